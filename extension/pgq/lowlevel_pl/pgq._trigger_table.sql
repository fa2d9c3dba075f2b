create or replace function pgq._trigger_table(i_relid oid)
returns pgq._columns as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_table(1)
--
--      Describes a table to the trigger functions. Volatile, so that it has a
--      snapshot of its own, which sees every change of the table that was
--      committed before the table was locked for the trigger's statement.
--      pgq._trigger_columns() tells what if the transaction has one snapshot.
--
-- Parameters:
--      i_relid     - table
--
-- Returns:
--      see the type
-- ----------------------------------------------------------------------
declare
    _columns pgq._columns;
begin
    with recursive base(attnum, typid) as (
        select a.attnum, a.atttypid
          from pg_catalog.pg_attribute a
         where a.attrelid = i_relid and a.attnum > 0 and not a.attisdropped
        union all
        select b.attnum, t.typbasetype
          from base b
          join pg_catalog.pg_type t on t.oid = b.typid
         where t.typtype = 'd'
    ), col as (
        select a.attnum, a.attname::text as name, a.attgenerated,
               case when a.attgenerated = 'v' then 'v'
                    when pg_catalog.starts_with(a.attname::text, '_pgq_ev_') then 'm'
                    when a.atttypid = 'bool'::regtype then 'b'
                    when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) then 'i'
                    when a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then 'd'
                    else 's' end as kind,
               case -- arrays, by contract, and types that have no equality
                    when t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc
                      or t.oid in ('json'::regtype, 'xml'::regtype, 'point'::regtype, 'box'::regtype, 'path'::regtype,
                                   'polygon'::regtype, 'line'::regtype)
                    then 't'
                    when t.oid in ('bool'::regtype, '"char"'::regtype, 'int2'::regtype, 'int4'::regtype,
                                   'int8'::regtype, 'oid'::regtype, 'text'::regtype, 'varchar'::regtype,
                                   'bytea'::regtype, 'uuid'::regtype, 'date'::regtype, 'time'::regtype,
                                   'timestamp'::regtype, 'timestamptz'::regtype)
                     and coalesce(c.collisdeterministic, true)
                      or t.typtype = 'e'
                    then 'e'
                    when t.typtype <> 'c' and t.typnamespace = 'pg_catalog'::regnamespace
                    then 'l'
                    else 'u' end as compare
          from pg_catalog.pg_attribute a
          join base b on b.attnum = a.attnum
          join pg_catalog.pg_type t on t.oid = b.typid and t.typtype <> 'd'
          left join pg_catalog.pg_collation c on c.oid = a.attcollation
         where a.attrelid = i_relid
    )
    select coalesce(pg_catalog.array_agg(col.name order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(pg_catalog.quote_ident(col.name) order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(pgq._urlencode(col.name) order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(pg_catalog.to_json(col.name)::text order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(col.kind order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(col.compare order by col.attnum), '{}'),
           coalesce(pg_catalog.array_agg(col.name) filter (where col.attgenerated = 's'), '{}')
      into _columns.names, _columns.idents, _columns.urls, _columns.jsons, _columns.kinds, _columns.compares,
           _columns.generated
      from col;

    select coalesce(pg_catalog.array_agg(a.attname::text order by k.pos), '{}')
      into _columns.key
      from pg_catalog.pg_index i
     cross join lateral pg_catalog.unnest(i.indkey) with ordinality k(attnum, pos)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = i_relid and i.indisprimary and k.pos <= i.indnkeyatts;

    -- a lone NULL and a lone empty value could not be told apart
    if not _columns.kinds && array['m', 'v'] and pg_catalog.cardinality(_columns.names) > 1 then
        select pg_catalog.string_agg(pg_catalog.replace(c.url, '%', '%%') || '%s', '&' order by c.pos)
          into _columns.url_format
          from pg_catalog.unnest(_columns.urls) with ordinality c(url, pos);
    end if;
    _columns.key_list := pg_catalog.array_to_string(_columns.key, ',');
    -- equal texts are equal values, with any settings
    select pg_catalog.format('^\((?:%1$s,){%2$s}%1$s[,)]', '(?:[^",]*|"(?:[^"]|"")*")', max(c.pos) - 1)
      into _columns.key_regex
      from unnest(_columns.names, _columns.kinds, _columns.compares) with ordinality c(name, kind, compare, pos)
     where c.name = any (_columns.key)
    having pg_catalog.bool_and(c.compare = 'e' and c.kind <> 'd') and max(c.pos) < 100;
    return _columns;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set quote_all_identifiers to off;
comment on function pgq._trigger_table(oid) is 'internal: describes a table to the trigger functions';
