create or replace function pgq.upgrade_schema()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.upgrade_schema(0)
--
--      Brings what is there to what this version needs; idempotent. Roles are
--      shared by all databases of the cluster, so they may exist already.
--
-- Returns:
--      0
-- ----------------------------------------------------------------------
begin
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'pgq_reader') then
        create role pgq_reader;
    end if;
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'pgq_writer') then
        create role pgq_writer;
    end if;
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'pgq_admin') then
        create role pgq_admin in role pgq_reader, pgq_writer;
    end if;
    return 0;
end;
$$ language plpgsql;
comment on function pgq.upgrade_schema() is 'Creates the roles that are missing; part of installation';
