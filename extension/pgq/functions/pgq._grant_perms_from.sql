create or replace function pgq._grant_perms_from(src_schema text, src_table text, dst_schema text, dst_table text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq._grant_perms_from(4)
--
--      Gives everybody on one table the rights that they have on another.
--
-- Returns:
--      1
-- ----------------------------------------------------------------------
declare
    _g record;
begin
    for _g in
        select a.grantee, a.privilege_type, a.is_grantable
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         cross join lateral pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) a
         where n.nspname = src_schema
           and c.relname = src_table
    loop
        execute pg_catalog.format('grant %s on %I.%I to %s%s', _g.privilege_type, dst_schema, dst_table,
            case _g.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(_g.grantee)) end,
            case when _g.is_grantable then ' with grant option' else '' end);
    end loop;
    return 1;
end;
$$ language plpgsql strict set search_path to pg_catalog, pg_temp;
comment on function pgq._grant_perms_from(text, text, text, text) is 'Gives everybody on one table the rights that they have on another';
