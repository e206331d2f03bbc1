-- Roles for gleaner in PostgreSQL 15 or newer. Run it once in gleaner's database, as a superuser, before the first
-- migration (again at any time: it changes nothing that is right):
--
--   createdb gleaner
--   psql --dbname=gleaner --file=docs/roles.sql
--   psql --dbname=gleaner --command='\password gleaner_owner' --command='\password gleaner_worker' --command='\password gleaner_reader'
--
-- gleaner_owner   owns the tables: `gleaner migrate`, and nothing else. No worker needs its password.
-- gleaner_worker  reads and writes rows; it can make, change, drop or truncate no table: `gleaner run`, `check`, `dead`.
-- gleaner_reader  only reads: `gleaner explain`, `export`, and people who look.

do $$
declare
    role text;
begin
    foreach role in array array['gleaner_owner', 'gleaner_worker', 'gleaner_reader'] loop
        if not exists (select from pg_roles where rolname = role) then
            execute format('create role %I login nosuperuser nocreatedb nocreaterole noreplication', role);
        end if;
    end loop;
    -- Nobody else may even connect.
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to gleaner_owner, gleaner_worker, gleaner_reader', current_database());
end $$;

revoke all on schema public from public;
grant usage, create on schema public to gleaner_owner;
grant usage on schema public to gleaner_worker, gleaner_reader;

-- What is there already, and what migrations will make.
grant select, insert, update, delete on all tables in schema public to gleaner_worker;
grant usage on all sequences in schema public to gleaner_worker;
grant select on all tables in schema public to gleaner_reader;
alter default privileges for role gleaner_owner in schema public grant select, insert, update, delete on tables to gleaner_worker;
alter default privileges for role gleaner_owner in schema public grant usage on sequences to gleaner_worker;
alter default privileges for role gleaner_owner in schema public grant select on tables to gleaner_reader;

-- A reader that forgot a transaction must not keep rows from being cleared away for ever.
alter role gleaner_reader set idle_in_transaction_session_timeout = '5min';
alter role gleaner_reader set default_transaction_read_only = on;
