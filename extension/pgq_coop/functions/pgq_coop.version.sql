create or replace function pgq_coop.version()
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.version(0)
--
--      Version of the schema; the same with and without CREATE EXTENSION.
-- ----------------------------------------------------------------------
begin
    return '4.0';
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.version() is 'Version of schema pgq_coop';
