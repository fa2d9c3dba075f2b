create or replace function pgq.quote_fqname(i_name text)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.quote_fqname(1)
--
--      Quotes an unquoted qualified name, which is split at its first dot.
--      Without a dot the schema is public.
-- ----------------------------------------------------------------------
declare
    _dot integer := pg_catalog.strpos(i_name, '.');
begin
    -- PL/pgSQL, since an SQL function would be planned in each call
    if _dot = 0 then
        return 'public.' || pg_catalog.quote_ident(i_name);
    end if;
    return pg_catalog.quote_ident(pg_catalog.left(i_name, _dot - 1))
        || '.' || pg_catalog.quote_ident(pg_catalog.substr(i_name, _dot + 1));
end;
$$ language plpgsql strict immutable;
comment on function pgq.quote_fqname(text) is 'Quotes a qualified name, split at its first dot; default schema is public';
