create or replace function pgq._row_values(i_row text, i_count integer)
returns text[] as $$
-- ----------------------------------------------------------------------
-- Function: pgq._row_values(2)
--
--      Takes the text form of a row, (a,,"b c"), to pieces. It has each column
--      as its type prints it, which is what events are made of, and can be had
--      without knowing the columns: no SQL must be built and planned for a row.
--
--      NULL is nothing at all there. An empty value, or one with a comma,
--      quote, backslash, parenthesis or blank, is quoted, with its quotes and
--      backslashes doubled. So, cut at the quotes, each second piece is inside
--      of quotes, and an empty one outside is a doubled quote.
--
-- Parameters:
--      i_row       - text of the row, which record_out() made
--      i_count     - its number of columns
--
-- Returns:
--      one element for each column
--
-- Errors:
--      Row has n columns instead of m
-- ----------------------------------------------------------------------
declare
    _row text := pg_catalog.replace(i_row, E'\\\\', E'\\');
    _null text := E'\x01';
    _nr integer := 0;
    _comma text;
    _comma_null text;
    _pieces text[];
begin
    -- stands for NULL; must be nowhere in the row
    while pg_catalog.strpos(_row, _null) > 0 loop
        _nr := _nr + 1;
        _null := E'\x01' || _nr || E'\x02';
    end loop;
    _comma := _null || ',';
    _comma_null := ',' || _comma;

    if pg_catalog.left(_row, 2) in ('(,', '()') then
        _row := '(' || _null || pg_catalog.substr(_row, 2);
    end if;
    if pg_catalog.right(_row, 2) = ',)' then
        _row := pg_catalog.left(_row, -1) || _null || ')';
    end if;

    _pieces := pg_catalog.string_to_array(_row, '"');
    for _i in 1 .. pg_catalog.cardinality(_pieces) by 2 loop
        if _pieces[_i] = '' then
            _pieces[_i] := '"';
        else
            -- ,, twice, as matches do not overlap
            _pieces[_i] := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(_pieces[_i],
                ',,', _comma_null), ',,', _comma_null), ',', _comma);
        end if;
    end loop;
    _row := pg_catalog.array_to_string(_pieces, '');
    _row := pg_catalog.substr(_row, 2, pg_catalog.length(_row) - 2);
    _pieces := pg_catalog.string_to_array(_row, _comma, _null);

    if _row = '' then
        _pieces := array[''];
    elsif i_count = 0 then
        _pieces := '{}';
    end if;
    if pg_catalog.cardinality(_pieces) <> i_count then
        raise exception 'Row has % columns instead of %', pg_catalog.cardinality(_pieces), i_count;
    end if;
    return _pieces;
end;
$$ language plpgsql immutable;
comment on function pgq._row_values(text, integer) is 'internal: splits the text form of a row into the texts of its columns';
