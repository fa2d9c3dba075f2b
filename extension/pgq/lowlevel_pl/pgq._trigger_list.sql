create or replace function pgq._trigger_list(i_list text)
returns text[] as $$
-- ----------------------------------------------------------------------
-- Function: pgq._trigger_list(1)
--
--      Splits a list of columns in the arguments of a trigger at its commas,
--      without the blanks around the names.
--
-- Parameters:
--      i_list      - what follows ignore= or pkey=
--
-- Returns:
--      names
-- ----------------------------------------------------------------------
    select pg_catalog.array_remove(pg_catalog.regexp_split_to_array(
        pg_catalog.btrim(i_list, E' \t\r\n\f\x0b'), '[[:space:]]*,[[:space:]]*'), '');
$$ language sql immutable;
comment on function pgq._trigger_list(text) is 'internal: splits a list of columns in the arguments of a trigger';
