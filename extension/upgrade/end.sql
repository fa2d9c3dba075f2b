-- ----------------------------------------------------------------------
-- Last part of each upgrade, common to all extensions: drops what older
-- versions and the other flavour had, and gives all to the schema's owner.
-- ----------------------------------------------------------------------

do $$
declare
    _name constant text := pg_catalog.current_setting('skytools.name');
    _schema constant oid := pg_catalog.to_regnamespace(_name);
    _relations constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.relations'), ' ');
    _types constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.types'), ' ');
    _functions constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.functions'), ' ');
    _owner name;
    _what text;
    _sql text;
begin
    for _what in
        select x.what
          from (select 1 as nr, p.oid, 'function ' || p.oid::regprocedure as what
                  from pg_catalog.pg_proc p
                 where p.pronamespace = _schema and pg_catalog.obj_description(p.oid, 'pg_proc') = 'left over'
                union all
                select 2, t.oid, 'type ' || t.oid::regtype
                  from pg_catalog.pg_type t
                 where t.typnamespace = _schema and pg_catalog.obj_description(t.oid, 'pg_type') = 'left over') x
         order by x.nr, x.oid
    loop
        begin
            execute 'drop ' || _what;
        exception
            when dependent_objects_still_exist then
                -- somebody's view or trigger
                raise warning '% is not part of % any more, and is kept because other objects depend on it', _what, _name;
        end;
    end loop;

    for _sql in
        select pg_catalog.format('grant execute on function %s to public', p.oid::regprocedure)
          from pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.current_setting('skytools.public'), ' ')) u
          join pg_catalog.pg_proc p on p.oid = u::oid
    loop
        execute _sql;
    end loop;

    select pg_catalog.pg_get_userbyid(n.nspowner) into _owner from pg_catalog.pg_namespace n where n.oid = _schema;
    if _owner <> current_user then
        for _sql in
            select pg_catalog.format('alter %s %s owner to %I', case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
                       c.oid::regclass, _owner)
              from pg_catalog.pg_class c
             where c.relnamespace = _schema and c.relname = any (_relations)
               and pg_catalog.pg_get_userbyid(c.relowner) = current_user
               -- a sequence of a column follows its table
               and not exists (select from pg_catalog.pg_depend d
                                where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'a' and d.refobjsubid > 0)
            union all
            select pg_catalog.format('alter type %s owner to %I', t.oid::regtype, _owner)
              from pg_catalog.pg_type t
             where t.typnamespace = _schema and t.typname = any (_types) and pg_catalog.pg_get_userbyid(t.typowner) = current_user
            union all
            select pg_catalog.format('alter function %s owner to %I', p.oid::regprocedure, _owner)
              from pg_catalog.pg_proc p
             where p.pronamespace = _schema and p.proname = any (_functions) and pg_catalog.pg_get_userbyid(p.proowner) = current_user
        loop
            execute _sql;
        end loop;
    end if;

    -- An extension script's GRANT notes all rights on the object as the
    -- extension's own, which pg_dump leaves out: also those that users had given
    -- before, and on tables that are no part of the extension.
    if exists (select from pg_catalog.pg_extension where extname = _name)
       and pg_catalog.current_setting('is_superuser') = 'on'
    then
        delete from pg_catalog.pg_init_privs i
         using pg_catalog.pg_class c
         where i.classoid = 'pg_catalog.pg_class'::regclass and i.objoid = c.oid and c.relnamespace = _schema
           and not exists (select from pg_catalog.pg_depend d
                            where d.classid = i.classoid and d.objid = i.objoid and d.deptype = 'e');
        update pg_catalog.pg_init_privs i
           set initprivs = o.initprivs
          from (select p.classoid, p.objoid, p.objsubid,
                       pg_catalog.array_agg(a.item) filter (where x.grantee in (0, x.grantor)
                           or pg_catalog.pg_get_userbyid(x.grantee) in ('pgq_reader', 'pgq_writer', 'pgq_admin')) as initprivs
                  from pg_catalog.pg_init_privs p
                  join pg_catalog.pg_depend d on d.classid = p.classoid and d.objid = p.objoid and d.deptype = 'e'
                  join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid
                 cross join lateral pg_catalog.unnest(p.initprivs) a (item)
                 cross join lateral (select y.grantee, y.grantor from pg_catalog.aclexplode(array[a.item]) y limit 1) x
                 where e.extname = _name
                 group by 1, 2, 3) o
         where i.classoid = o.classoid and i.objoid = o.objoid and i.objsubid = o.objsubid
           and o.initprivs is not null and i.initprivs <> o.initprivs;
    end if;
end;
$$;
