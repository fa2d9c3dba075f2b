create or replace function pgq._row_changes(
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
--      names of the changed columns
-- ----------------------------------------------------------------------
declare
    _changed text[] := '{}';
    _name text;
    _nr integer;
    _compare text;
    _same boolean;
begin
    foreach _name in array coalesce(i_names, i_columns.names) loop
        _nr := pg_catalog.array_position(i_columns.names, _name);
        _compare := i_columns.compares[_nr];
        _same := i_new_values[_nr] = i_old_values[_nr];
        if _same is null then
            _same := i_new_values[_nr] is null and i_old_values[_nr] is null;
        elsif _compare = 'u'
              or _compare = 'l' and not _same
              -- settings under which different values may have the same text
              or _compare <> 't' and _same
                 and (pg_catalog.current_setting('extra_float_digits')::integer < 1
                      or pg_catalog.current_setting('datestyle') not like 'ISO%')
        then
            begin
                execute 'select pg_catalog.record_eq(row(($1).' || pg_catalog.quote_ident(_name)
                    || '), row(($2).' || pg_catalog.quote_ident(_name) || '))'
                   into _same using i_new, i_old;
            exception
                when undefined_function then
                    null; -- the type has no equality: the texts count
            end;
        end if;
        if not _same then
            _changed := pg_catalog.array_append(_changed, _name);
        end if;
    end loop;
    return _changed;
end;
$$ language plpgsql stable;
comment on function pgq._row_changes(pgq._columns, text[], text[], text[], record, record)
    is 'internal: finds the columns that an UPDATE changes';
