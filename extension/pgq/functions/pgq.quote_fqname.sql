create function pgq.quote_fqname(i_name text)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.quote_fqname(1)
--
--      Quotes an unquoted qualified name, which is split at its first dot.
--      Without a dot the schema is public.
-- ----------------------------------------------------------------------
    select case pg_catalog.strpos(i_name, '.')
        when 0 then 'public.' || pg_catalog.quote_ident(i_name)
        else pg_catalog.quote_ident(pg_catalog.left(i_name, pg_catalog.strpos(i_name, '.') - 1))
            || '.' || pg_catalog.quote_ident(pg_catalog.substr(i_name, pg_catalog.strpos(i_name, '.') + 1))
        end;
$$ language sql strict immutable;
comment on function pgq.quote_fqname(text) is 'Quotes a qualified name, split at its first dot; default schema is public';
