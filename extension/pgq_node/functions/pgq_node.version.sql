create or replace function pgq_node.version()
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.version(0)
--
--      Version of the schema; the same with and without CREATE EXTENSION.
-- ----------------------------------------------------------------------
begin
    return '4.0';
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.version() is 'Version of schema pgq_node';
