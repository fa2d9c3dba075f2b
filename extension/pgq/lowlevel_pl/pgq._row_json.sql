create or replace function pgq._row_json(i_columns pgq._columns, i_hidden text[], i_values text[], i_row record)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._row_json(4)
--
--      Row as a JSON object. Booleans and integers are bare; dates and time
--      stamps are as in to_json(), whatever the DateStyle; all else is a string
--      of the text, domains over those types too.
--
-- Parameters:
--      i_columns   - the table
--      i_hidden    - columns to leave out; NULL: none
--      i_values    - texts of the row's columns
--      i_row       - the row
-- ----------------------------------------------------------------------
declare
    _names text[] := i_columns.names;
    _kinds text[] := i_columns.kinds;
    _pairs text[] := i_columns.jsons;
    _json json;
begin
    for _i in 1 .. pg_catalog.cardinality(_names) loop
        if _names[_i] = any (i_hidden) then
            _pairs[_i] := null;
        elsif i_values[_i] is null then
            _pairs[_i] := _pairs[_i] || ':null';
        elsif _kinds[_i] = 's' then
            _pairs[_i] := _pairs[_i] || ':' || pg_catalog.to_json(i_values[_i]);
        elsif _kinds[_i] = 'i' then
            _pairs[_i] := _pairs[_i] || ':' || i_values[_i];
        elsif _kinds[_i] = 'b' then
            _pairs[_i] := _pairs[_i] || case i_values[_i] when 't' then ':true' else ':false' end;
        else
            if _json is null then
                _json := pg_catalog.row_to_json(i_row);
            end if;
            _pairs[_i] := _pairs[_i] || ':' || (_json -> _names[_i])::text;
        end if;
    end loop;
    -- leaves out NULLs
    return '{' || pg_catalog.array_to_string(_pairs, ',') || '}';
end;
$$ language plpgsql stable;
comment on function pgq._row_json(pgq._columns, text[], text[], record) is 'internal: row as pgq.jsontriga() writes it';
