-- SQLite compresses nothing; the number is taken so that both databases have the same ones.

select 1;
