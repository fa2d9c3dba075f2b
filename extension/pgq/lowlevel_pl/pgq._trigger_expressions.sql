create or replace function pgq._trigger_expressions(i_exprs text[], i_names text[], i_fields text[], i_row record)
returns text[] as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_expressions(4)
--
--      Puts what the expressions in a trigger's arguments give into an event.
--      They see the search_path of the user, so this function has none of its
--      own and names everything in full. It is stable, so they cannot write.
--
-- Parameters:
--      i_exprs     - expressions for ev_type, ev_data, ev_extra1 .. ev_extra4,
--                    and that of when=; NULL: not given
--      i_names     - columns
--      i_fields    - the six fields of the event
--      i_row       - the row
--
-- Returns:
--      the fields; NULL if when= says that there shall be no event
--
-- Errors:
--      Expect 1 row from override query
--      when= query result must be boolean
--      when= should not be NULL
-- ----------------------------------------------------------------------
declare
    _expr pg_catalog.text;
    _value pg_catalog.text;
    _type pg_catalog.oid;
    _rows pg_catalog.int8;
begin
    for _i in 1 .. 7 loop
        _expr := pg_catalog.btrim(i_exprs[_i], E' \t\r\n;');
        if _expr is null then
            continue;
        elsif _expr operator(pg_catalog.=) '' then
            _value := null;
            _type := 0;
        elsif _expr operator(pg_catalog.~) E'^''[^''\\\\]*''$' then
            -- a plain string, the name of a partitioned table maybe, needs no query
            _value := pg_catalog.btrim(_expr, '''');
            _type := 25;
        else
            execute pg_catalog.concat('select ',
                    'case when pg_catalog.num_nulls(q.v) operator(pg_catalog.=) 0 then pg_catalog.format(''%s'', q.v) end,',
                    ' pg_catalog.pg_typeof(q.v)::pg_catalog.oid,',
                    ' pg_catalog.count(*) over ()',
                    ' from (select ', pgq._expression_sql(_expr, i_names), E'\n) q(v) limit 1')
               into _value, _type, _rows using i_row;
            _rows := coalesce(_rows, 0);
            if _rows operator(pg_catalog.<>) 1 then
                raise exception 'Expect 1 row from override query, got %', _rows;
            end if;
        end if;

        if _i operator(pg_catalog.<) 7 then
            i_fields[_i] := _value;
        elsif _type operator(pg_catalog.<>) 16 then
            raise exception 'when= query result must be boolean, got=%', _type;
        elsif _value is null then
            raise exception 'when= should not be NULL';
        elsif _value operator(pg_catalog.=) 'f' then
            return null;
        end if;
    end loop;
    return i_fields;
end;
$$ language plpgsql stable;
comment on function pgq._trigger_expressions(text[], text[], text[], record)
    is 'internal: puts the results of the expressions in the arguments of a trigger into an event';
