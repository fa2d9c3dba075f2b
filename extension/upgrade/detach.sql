-- ----------------------------------------------------------------------
-- For the PL/pgSQL flavour: what is an extension becomes a plain schema, whose
-- objects and data stay. Nothing happens where there is no extension.
-- ----------------------------------------------------------------------

do $$
declare
    _name constant text := pg_catalog.current_setting('skytools.name');
    _sql text;
begin
    for _sql in
        select pg_catalog.format('alter extension %I drop %s %s', _name,
                   case o.type when 'composite type' then 'type' else o.type end, o.identity)
          from pg_catalog.pg_extension e
          join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
         cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, 0) o
         where e.extname = _name
           -- A table's type and every array's go with what they belong to; from
           -- 17 on they are members of their own.
           and not exists (select from pg_catalog.pg_type t left join pg_catalog.pg_class c on c.oid = t.typrelid
                            where d.classid = 'pg_catalog.pg_type'::regclass and t.oid = d.objid
                              and (t.typcategory = 'A' or c.relkind <> 'c'))
    loop
        execute _sql;
    end loop;
    execute pg_catalog.format('drop extension if exists %I', _name);
end;
$$;
