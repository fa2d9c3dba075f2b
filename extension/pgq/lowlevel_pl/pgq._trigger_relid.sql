create or replace function pgq._trigger_relid(i_row anyelement)
returns oid as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_relid(1)
--
--      Table of a row type. See pgq._trigger_columns() for why it is immutable.
--
-- Parameters:
--      i_row       - NULL of the type
-- ----------------------------------------------------------------------
declare
    _relid oid;
begin
    select t.typrelid into _relid
      from pg_catalog.pg_type t
     where t.oid = pg_catalog.pg_typeof(i_row)::oid;
    return _relid;
end;
$$ language plpgsql immutable set search_path to pg_catalog, pg_temp;
comment on function pgq._trigger_relid(anyelement) is 'internal: table of a row type';
