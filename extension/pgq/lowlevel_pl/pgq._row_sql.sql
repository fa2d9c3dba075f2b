create or replace function pgq._row_sql(
    i_op text,
    i_columns pgq._columns,
    i_hidden text[],
    i_key text[],
    i_changed text[],
    i_values text[],
    i_old_values text[])
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._row_sql(7)
--
--      Change of a row as the part of an SQL statement that follows "insert
--      into T ", "update only T set " or "delete from only T where ".
--
-- Parameters:
--      i_op        - INSERT, UPDATE or DELETE
--      i_columns   - the table
--      i_hidden    - columns to leave out; NULL: none
--      i_key       - columns of the key
--      i_changed   - columns that an UPDATE changes
--      i_values    - texts of the row's columns, after the change
--      i_old_values - texts of the row's columns, before the change
--
-- Errors:
--      logtriga: Unexpected NULL key value
-- ----------------------------------------------------------------------
declare
    _names text[] := i_columns.names;
    _idents text[] := i_columns.idents;
    _sets text[] := '{}';
    _wheres text[] := '{}';
begin
    if i_op = 'INSERT' then
        for _i in 1 .. pg_catalog.cardinality(_names) loop
            if _names[_i] = any (i_hidden) then
                _idents[_i] := null;
            else
                _sets := pg_catalog.array_append(_sets, coalesce(pg_catalog.quote_literal(i_values[_i]), 'null'));
            end if;
        end loop;
        return '(' || pg_catalog.array_to_string(_idents, ',') || ') values ('
            || pg_catalog.array_to_string(_sets, ',') || ')';
    end if;

    for _i in 1 .. pg_catalog.cardinality(_names) loop
        if _names[_i] = any (i_key) then
            if i_old_values[_i] is null then
                raise exception 'logtriga: Unexpected NULL key value';
            end if;
            _wheres := pg_catalog.array_append(_wheres, _idents[_i] || '=' || pg_catalog.quote_literal(i_old_values[_i]));
        end if;
        if _names[_i] = any (i_changed) and (_names[_i] = any (i_hidden)) is not true then
            _sets := pg_catalog.array_append(_sets, _idents[_i] || '=' || pg_catalog.quote_nullable(i_values[_i]));
        end if;
    end loop;
    if i_op = 'DELETE' then
        return pg_catalog.array_to_string(_wheres, ' and ');
    end if;
    -- An UPDATE that changes nothing sets a part of the key to itself.
    return pg_catalog.array_to_string(case _sets when '{}' then _wheres[1:1] else _sets end, ',')
        || ' where ' || pg_catalog.array_to_string(_wheres, ' and ');
end;
$$ language plpgsql stable;
comment on function pgq._row_sql(text, pgq._columns, text[], text[], text[], text[], text[])
    is 'internal: change of a row as pgq.sqltriga() writes it';
