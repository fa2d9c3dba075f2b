create or replace function pgq._trigger_event(
    in i_format text,
    in i_argv text[],
    in i_op text,
    in i_when text,
    in i_level text,
    in i_schema text,
    in i_table text,
    in i_columns pgq._columns,
    in i_new record,
    in i_old record,
    in i_new_text text,
    in i_old_text text,
    out queue text,
    out fields text[],
    out exprs text[],
    out pass boolean,
    out deletes boolean)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_event(12)
--
--      What pgq.logutriga(), pgq.sqltriga() and pgq.jsontriga() have in common,
--      which is all but the insert: makes an event of a change.
--
-- Parameters:
--      i_format    - url, sql or json
--      i_argv, i_op, i_when, i_level, i_schema, i_table - as the trigger has it
--      i_columns   - the table
--      i_new, i_old - the rows
--      i_new_text, i_old_text - their text forms; made by the caller, because
--                    that of a regclass depends on the search_path
--
-- Returns:
--      queue       - where to
--      fields      - ev_type, ev_data, ev_extra1 .. ev_extra4; NULL: no event
--      exprs       - expressions for pgq._trigger_expressions(); NULL: none
--      pass        - is the trigger to let the operation go on, if it is asked
--      deletes     - is it a DELETE
--
-- Errors:
--      those of the arguments and calling rules, see pgq.logutriga()
-- ----------------------------------------------------------------------
declare
    _ignore text[];
    _pkey text;
    _skip boolean := false;
    _backup boolean := false;
    _deny boolean := false;
    _key text[] := i_columns.key;
    _hidden text[];
    _changed text[];
    _row text[];
    _old_row text[];
    _name text;
    _value text;
begin
    pass := i_when <> 'AFTER';
    deletes := i_op = 'DELETE';
    if pg_catalog.current_setting('session_replication_role') = 'local' then
        return;
    end if;
    if i_level = 'STATEMENT' and i_op <> 'TRUNCATE' then
        raise exception 'pgq Ins/Upd/Del trigger must be fired FOR EACH ROW';
    end if;

    -- arguments
    if i_argv is null then
        raise exception 'pgq trigger must have destination queue as argument';
    end if;
    queue := i_argv[0];
    for _i in 1 .. pg_catalog.cardinality(i_argv) - 1 loop
        _name := pg_catalog.substring(i_argv[_i], '^[^=]*=?');
        _value := pg_catalog.substr(i_argv[_i], pg_catalog.length(_name) + 1);
        case _name
            when 'SKIP', 'skip' then _skip := true;
            when 'backup' then _backup := true;
            when 'deny' then _deny := true;
            when 'ignore=' then _ignore := pgq._trigger_list(_value);
            when 'pkey=' then _pkey := _value;
            when 'ev_type=' then exprs[1] := _value;
            when 'ev_data=' then exprs[2] := _value;
            when 'ev_extra1=' then exprs[3] := _value;
            when 'ev_extra2=' then exprs[4] := _value;
            when 'ev_extra3=' then exprs[5] := _value;
            when 'ev_extra4=' then exprs[6] := _value;
            when 'when=' then exprs[7] := _value;
            else raise exception 'bad param to pgq trigger' using
                detail = pg_catalog.format('The argument is "%s".', i_argv[_i]);
        end case;
    end loop;

    if i_op = 'TRUNCATE' then
        if exprs is not null then
            raise exception 'Custom expressions do not make sense for truncater trigger';
        elsif _ignore is not null then
            raise exception 'Column ignore does not make sense for truncate trigger';
        elsif _pkey is not null then
            raise exception 'Custom pkey_list does not make sense for truncate trigger';
        elsif _backup then
            raise exception 'Backup does not make sense for truncate trigger';
        end if;
    end if;

    -- key
    if _pkey is not null then
        _key := pgq._trigger_list(_pkey);
        foreach _name in array _key loop
            if _name <> all (i_columns.names) then
                raise exception 'pkey= column does not exist: %', _name;
            end if;
        end loop;
    end if;
    if _key = '{}' and i_op in ('UPDATE', 'DELETE') then
        raise exception 'Update/Delete on table without pkey';
    end if;

    if _skip and i_when = 'AFTER' then
        raise exception 'SKIP does not work in AFTER trigger.';
    end if;
    if _deny then
        raise exception 'Table ''%.%'' to queue ''%'': change not allowed (%)', i_schema, i_table, queue, i_op;
    end if;
    pass := pass and not _skip;

    fields := array[null, null, i_schema || '.' || i_table, null, null, null];
    fields[1] := case i_format
        when 'json' then pg_catalog.concat(
            '{"op":"', i_op,
            '","table":[', pg_catalog.to_json(i_schema), ',', pg_catalog.to_json(i_table),
            '],"pkey":', pg_catalog.to_json(coalesce(pg_catalog.string_to_array(_pkey, ','), _key)), '}')
        else case i_op
            when 'INSERT' then 'I'
            when 'UPDATE' then 'U'
            when 'DELETE' then 'D'
            else 'R' end
        end;
    if i_op = 'TRUNCATE' then
        fields[2] := case i_format when 'json' then '{}' else '' end;
        return;
    end if;
    if i_format = 'url' then
        fields[1] := fields[1] || ':' || coalesce(_pkey, pg_catalog.array_to_string(_key, ','));
    end if;

    _hidden := _ignore;
    if i_columns.kinds && array['m', 'v'] then
        for _i in 1 .. pg_catalog.cardinality(i_columns.names) loop
            if i_columns.kinds[_i] in ('m', 'v') then
                _hidden := pg_catalog.array_append(_hidden, i_columns.names[_i]);
            end if;
        end loop;
    end if;

    _row := pgq._row_values(case i_op when 'DELETE' then i_old_text else i_new_text end, pg_catalog.cardinality(i_columns.names));
    if i_op = 'UPDATE' then
        _old_row := pgq._row_values(i_old_text, pg_catalog.cardinality(i_columns.names));
        _changed := pgq._row_changes(i_columns,
            case when i_format <> 'sql' and _ignore is null then _key end, _row, _old_row, i_new, i_old);
        if i_when = 'BEFORE' then
            -- generated columns are yet to be computed
            foreach _name in array i_columns.generated loop
                _changed := pg_catalog.array_remove(_changed, _name);
            end loop;
        end if;
        if _changed && _key then
            raise exception 'primary key update not allowed';
        end if;
        if _changed <> '{}' and _changed <@ _hidden and (i_format = 'sql' or _ignore is not null) then
            fields := null;
            return;
        end if;
    end if;

    fields[2] := case i_format
        when 'url' then pgq._row_urlencode(i_columns, _hidden, _row)
        when 'json' then pgq._row_json(i_columns, _hidden, _row, case i_op when 'DELETE' then i_old else i_new end)
        else pgq._row_sql(i_op, i_columns, _hidden, _key, _changed, _row, coalesce(_old_row, _row))
        end;
    if _backup and i_op = 'UPDATE' then
        fields[4] := case i_format
            when 'json' then pgq._row_json(i_columns, _hidden, _old_row, i_old)
            else pgq._row_urlencode(i_columns, _hidden, _old_row)
            end;
    end if;

    if 'm' = any (i_columns.kinds) then
        for _i in 1 .. pg_catalog.cardinality(i_columns.names) loop
            if i_columns.kinds[_i] = 'm' then
                case i_columns.names[_i]
                    when '_pgq_ev_type' then fields[1] := _row[_i];
                    when '_pgq_ev_data' then fields[2] := _row[_i];
                    when '_pgq_ev_extra1' then fields[3] := _row[_i];
                    when '_pgq_ev_extra2' then fields[4] := _row[_i];
                    when '_pgq_ev_extra3' then fields[5] := _row[_i];
                    when '_pgq_ev_extra4' then fields[6] := _row[_i];
                    else raise exception 'Unknown magic column: %', i_columns.names[_i];
                end case;
            end if;
        end loop;
    end if;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq._trigger_event(text, text[], text, text, text, text, text, pgq._columns, record, record, text, text)
    is 'internal: makes an event of a change, for the trigger functions';
