create or replace function pgq._row_urlencode(i_columns pgq._columns, i_hidden text[], i_values text[])
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._row_urlencode(3)
--
--      Row as name=value pairs joined by &; NULL is a name without =.
--
-- Parameters:
--      i_columns   - the table
--      i_hidden    - columns to leave out; NULL: none
--      i_values    - texts of the row's columns
-- ----------------------------------------------------------------------
declare
    _names text[] := i_columns.names;
    _pairs text[] := i_columns.urls;
    -- Encoded all at once, with a separator that can be told afterwards.
    _values text[] := pg_catalog.string_to_array(
        pgq._urlencode(pg_catalog.array_to_string(i_values, E'\x01', '')), '%01');
begin
    if pg_catalog.cardinality(_values) <> pg_catalog.cardinality(i_values) then
        for _i in 1 .. pg_catalog.cardinality(i_values) loop
            _values[_i] := pgq._urlencode(i_values[_i]);
        end loop;
    end if;

    for _i in 1 .. pg_catalog.cardinality(_names) loop
        if _names[_i] = any (i_hidden) then
            _pairs[_i] := null;
        elsif i_values[_i] is not null then
            _pairs[_i] := _pairs[_i] || '=' || _values[_i];
        end if;
    end loop;
    -- leaves out NULLs
    return pg_catalog.array_to_string(_pairs, '&');
end;
$$ language plpgsql immutable;
comment on function pgq._row_urlencode(pgq._columns, text[], text[]) is 'internal: percent-encodes a row as pgq.logutriga() does';
