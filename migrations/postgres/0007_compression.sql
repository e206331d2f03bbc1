-- A lead's state and a task's body pass the size from which PostgreSQL compresses. With its own method (pglz) that was a
-- seventh of the server's work; lz4 takes a fraction of it for the same space. A server built without lz4 keeps pglz.

do $$
begin
    alter table leads alter column state set compression lz4;
    alter table history alter column body set compression lz4;
    alter table outbox alter column body set compression lz4;
exception when feature_not_supported then
    raise notice 'this server was built without lz4; pglz is used';
end
$$;
