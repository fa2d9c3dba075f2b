create or replace function pgq._trigger_columns(i_row anyelement)
returns pgq._columns as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_columns(1)
--
--      pgq._trigger_table() for a row type, in a form that the trigger functions
--      have at hand for each row without a look at the catalogs:
--
--          case when tg_relid = pgq._trigger_relid(case when false then new end)
--               then pgq._trigger_columns(case when false then new end) end
--
--      PL/pgSQL keeps a plan of each expression for each trigger. The planner
--      makes a NULL constant of the inner CASE, typed as the table's row, and
--      as the functions claim to be immutable, constants of their results. So
--      the description is part of the plan. The plan depends on the table,
--      because the constant that tg_relid is compared with is the table's oid:
--      any change of the table, its indexes or triggers, by any session, which
--      makes the server forget what it knows of a table, makes it forget the
--      plan as well. That is the life of the cache of a trigger in C, too.
--
--      No setting or temporary table could do it: the session's user could put
--      another's SQL there, to be run with the rights of a security definer
--      function that writes to the table.
--
--      A plan that is made under REPEATABLE READ or SERIALIZABLE would keep what
--      the transaction's old snapshot shows. So the description is compared with
--      what the server knows of the row type and the key's index now, which is
--      beyond snapshots; if they differ, the transaction cannot go on.
--
-- Parameters:
--      i_row       - NULL of the type
--
-- Errors:
--      serialization_failure: the table was changed after the snapshot
-- ----------------------------------------------------------------------
declare
    _relid oid := pgq._trigger_relid(i_row);
    _columns pgq._columns := pgq._trigger_table(_relid);
    _identity oid;
    _names text[];
    _types oid[];
begin
    if pg_catalog.current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        return _columns;
    end if;

    execute 'select array(select pg_catalog.json_object_keys(pg_catalog.row_to_json(r)) from (select ($1).*) r)'
       into _names using i_row;
    if _names = _columns.names then
        execute (select 'select array[' || pg_catalog.string_agg(
                        'pg_catalog.pg_typeof(($1).' || pg_catalog.quote_ident(n) || ')::pg_catalog.oid', ', ')
                        || ']::pg_catalog.oid[]'
                   from pg_catalog.unnest(_names) n)
           into _types using i_row;
        _identity := pg_catalog.pg_get_replica_identity_index(_relid);
        if _types = array(select a.atttypid from pg_catalog.pg_attribute a
                           where a.attrelid = _relid and a.attnum > 0 and not a.attisdropped
                           order by a.attnum)
           and not exists (select 1 from pg_catalog.pg_index i
                            where i.indrelid = _relid and i.indisprimary
                              and pg_catalog.pg_get_indexdef(i.indexrelid) is null)
           and (_identity is null or exists (select 1 from pg_catalog.pg_index i where i.indexrelid = _identity))
        then
            return _columns;
        end if;
    end if;
    raise exception 'could not serialize access due to concurrent change of table %', _relid::regclass
        using errcode = 'serialization_failure';
end;
$$ language plpgsql immutable set search_path to pg_catalog, pg_temp;
comment on function pgq._trigger_columns(anyelement) is 'internal: describes the table of a row type, as a constant of the plan';
