create or replace function pgq_node.upgrade_schema()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.upgrade_schema(0)
--
--      Brings the tables of older versions to the present columns.
--
-- Returns:
--      number of changes
-- ----------------------------------------------------------------------
begin
    if not exists (select 1 from pg_catalog.pg_attribute a
                    where a.attrelid = 'pgq_node.node_info'::regclass and a.attname = 'node_attrs' and not a.attisdropped)
    then
        alter table pgq_node.node_info add column node_attrs text;
        return 1;
    end if;
    return 0;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.upgrade_schema() is 'Adds what tables of older versions lack; returns the number of changes';
