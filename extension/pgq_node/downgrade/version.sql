create or replace function pgq_node.version() returns text as $$
    select e.extversion from pg_catalog.pg_extension e where e.extname = 'pgq_node';
$$ language sql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.version() is 'Version of schema pgq_node';
