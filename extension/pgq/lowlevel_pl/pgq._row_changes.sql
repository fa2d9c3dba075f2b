create function pgq._row_changes(
    i_columns pgq._columns,
    i_names text[],
    i_new_values text[],
    i_old_values text[],
    i_new record,
    i_old record)
returns text[] as $$
-- ----------------------------------------------------------------------
-- Function: pgq._row_changes(6)
--
--      Finds the columns that an UPDATE changes, as the equality of their types
--      sees it: numeric 1.50 and 1.5000 are equal. Arrays, and types without
--      equality, are compared by their texts.
--
--      Texts are at hand and tell most of it. Otherwise it is asked with
--      record_eq(), which takes the type's default equality and the column's
--      collation, as = found by name in a search_path would not.
--
-- Parameters:
--      i_columns       - the table
--      i_names         - columns to look at, NULL: all
--      i_new_values, i_old_values - texts of the rows' columns
--      i_new, i_old    - the rows
--
-- Returns:
--      names of the changed columns, in table order
-- ----------------------------------------------------------------------
declare
    _changed text[] := '{}';
    _names text[] := i_columns.names;
    _compares text[] := i_columns.compares;
    _same boolean;
    _lossy boolean;
begin
    if i_new_values = i_old_values and i_new *= i_old then
        return _changed;
    end if;
    -- settings under which different values may have the same text
    _lossy := pg_catalog.current_setting('extra_float_digits')::integer < 1
        or pg_catalog.current_setting('datestyle') not like 'ISO%';

    for _i in 1 .. pg_catalog.cardinality(_names) loop
        continue when _names[_i] <> all (i_names);
        _same := i_new_values[_i] = i_old_values[_i];
        if _same is null then
            _same := i_new_values[_i] is null and i_old_values[_i] is null;
        elsif _compares[_i] = 'u' or _compares[_i] = 'l' and not _same or _lossy and _compares[_i] <> 't' then
            begin
                execute 'select pg_catalog.record_eq(row(($1).' || pg_catalog.quote_ident(_names[_i])
                    || '), row(($2).' || pg_catalog.quote_ident(_names[_i]) || '))'
                   into _same using i_new, i_old;
            exception
                when undefined_function then
                    null; -- the type has no equality: the texts count
            end;
        end if;
        if not _same then
            _changed := pg_catalog.array_append(_changed, _names[_i]);
        end if;
    end loop;
    return _changed;
end;
$$ language plpgsql stable;
comment on function pgq._row_changes(pgq._columns, text[], text[], text[], record, record)
    is 'internal: finds the columns that an UPDATE changes';
