create or replace function pgq._trigger_put(
    i_queue text,
    i_op text,
    i_table text,
    i_columns pgq._columns,
    i_row text,
    i_old text)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_put(6)
--
--      Puts an event of a change for an AFTER trigger pgq.logutriga() without
--      arguments, if the change is an ordinary one. It does what
--      pgq._trigger_event() does, on the row's text as a whole: no loop over
--      columns, nothing decided for each row that can be for the table, and no
--      search_path of its own, which takes time.
--
-- Parameters:
--      i_queue     - queue
--      i_op        - INSERT, UPDATE or DELETE
--      i_table     - schema.table
--      i_columns   - the table
--      i_row       - text form of the row that the event has; see pgq._row_values()
--      i_old       - that of the old row of an UPDATE, else NULL
--
-- Returns:
--      false - not an ordinary one, nothing done
-- ----------------------------------------------------------------------
declare
    _start pg_catalog.text;
    _row pg_catalog.text;
    _pieces pg_catalog.text[];
begin
    if i_columns.url_format is null
       or pg_catalog.strpos(i_row, E'\x01') operator(pg_catalog.>) 0
       or pg_catalog.strpos(i_row, E'\x02') operator(pg_catalog.>) 0
       or i_columns.key operator(pg_catalog.=) '{}' and i_op operator(pg_catalog.<>) 'INSERT'
    then
        return false;
    end if;
    if i_old is not null then
        _start := pg_catalog.substring(i_row, i_columns.key_regex);
        if _start is null or not pg_catalog.starts_with(i_old, _start) then
            return false; -- the key was changed, probably
        end if;
    end if;

    -- \x01. is put before each value, \x01_ where a NULL is, with a comma before the first and
    -- after the last one; see pgq._row_values() for what is inside of quotes
    _row := pg_catalog.substr(i_row, 2, pg_catalog.length(i_row) operator(pg_catalog.-) 2);
    _pieces := pg_catalog.string_to_array(
        pg_catalog.concat(',', pg_catalog.replace(_row, E'\\\\', E'\\'), ','), '"');
    for _i in 1 .. pg_catalog.cardinality(_pieces) by 2 loop
        _pieces[_i] := case when _pieces[_i] operator(pg_catalog.=) '' then '"'
            else pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(_pieces[_i],
                ',,', E',\x02,'), ',,', E',\x02,'), ',', E'\x01.'), E'\x01.\x02', E'\x01_') end;
    end loop;
    _row := pgq._urlencode(pg_catalog.left(pg_catalog.array_to_string(_pieces, ''), -2));
    _pieces := pg_catalog.string_to_array(pg_catalog.substr(
        pg_catalog.replace(pg_catalog.replace(_row, '%01.', E'\x01='), '%01_', E'\x01'), 2), E'\x01');
    if pg_catalog.cardinality(_pieces) operator(pg_catalog.<>) pg_catalog.cardinality(i_columns.names) then
        return false; -- cannot be
    end if;

    -- an expression, as perform would cost a run of the executor
    return pgq.insert_event(i_queue,
        pg_catalog.concat(pg_catalog.left(i_op, 1), ':', i_columns.key_list),
        pg_catalog.format(i_columns.url_format, variadic _pieces),
        i_table, null, null, null) is not null;
end;
$$ language plpgsql;
comment on function pgq._trigger_put(text, text, text, pgq._columns, text, text)
    is 'internal: puts an event of an ordinary change, for pgq.logutriga()';
