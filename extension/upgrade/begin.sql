-- ----------------------------------------------------------------------
-- First part of each upgrade, common to all extensions. NAME/upgrade/names.sql
-- has told in settings whose objects these are. Nothing here minds whether the
-- schema is an extension's, nor whether it is there at all.
-- ----------------------------------------------------------------------

do $$
declare
    _name constant text := pg_catalog.current_setting('skytools.name');
    _schema oid := pg_catalog.to_regnamespace(_name);
    _relations constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.relations'), ' ');
    _types constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.types'), ' ');
    _functions constant text[] := pg_catalog.string_to_array(pg_catalog.current_setting('skytools.functions'), ' ');
    _owner name;
    _sql text;
begin
    perform pg_catalog.set_config('skytools.public', '', true);
    if _schema is null then
        return;
    end if;
    if not exists (select from pg_catalog.pg_proc p where p.pronamespace = _schema and p.proname = any (_functions))
       and (exists (select from pg_catalog.pg_proc p where p.pronamespace = _schema)
            or exists (select from pg_catalog.pg_class c where c.relnamespace = _schema))
    then
        raise exception 'schema % exists and holds something else', _name
            using errcode = 'duplicate_schema', hint = 'Rename that schema or choose another database.';
    end if;
    select pg_catalog.pg_get_userbyid(n.nspowner) into _owner from pg_catalog.pg_namespace n where n.oid = _schema;
    if not pg_catalog.pg_has_role(_owner, 'USAGE') then
        raise exception 'schema % belongs to role %', _name, _owner
            using errcode = 'insufficient_privilege', hint = 'Upgrade it as that role or as a superuser.';
    end if;

    -- An extension that was made from an unpackaged schema has no members yet.
    if exists (select from pg_catalog.pg_extension e where e.extname = _name) then
        for _sql in
            select pg_catalog.format('alter extension %I add %s %s', _name,
                       case o.type when 'composite type' then 'type' else o.type end, o.identity)
              from (select 'pg_catalog.pg_namespace'::regclass as classid, _schema as objid
                    union all
                    select 'pg_catalog.pg_class'::regclass, c.oid
                      from pg_catalog.pg_class c
                     where c.relnamespace = _schema and c.relname = any (_relations) and c.relkind in ('r', 'v', 'S')
                    union all
                    select 'pg_catalog.pg_type'::regclass, t.oid
                      from pg_catalog.pg_type t
                     where t.typnamespace = _schema and t.typname = any (_types)
                    union all
                    select 'pg_catalog.pg_proc'::regclass, p.oid
                      from pg_catalog.pg_proc p
                     where p.pronamespace = _schema and p.proname = any (_functions)) x
             cross join lateral pg_catalog.pg_identify_object(x.classid, x.objid, 0) o
             where not exists (select from pg_catalog.pg_depend d
                                where d.classid = x.classid and d.objid = x.objid and d.deptype = 'e')
             order by x.objid
        loop
            execute _sql;
        end loop;
    end if;

    -- Each function that the new version has gets its own comment again:
    -- upgrade/end.sql finds by this one which are left over.
    for _sql in
        select pg_catalog.format('comment on function %s is ''left over''', p.oid::regprocedure)
          from pg_catalog.pg_proc p
         where p.pronamespace = _schema
           and p.prokind = 'f'
           and (p.proname = any (_functions)
                or exists (select from pg_catalog.pg_depend d
                            where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'))
        union all
        select pg_catalog.format('comment on type %s is ''left over''', t.oid::regtype)
          from pg_catalog.pg_type t
         where t.typnamespace = _schema and t.typname = any (_types)
    loop
        execute _sql;
    end loop;

    -- what somebody gave to everybody stays so: the grants revoke it
    perform pg_catalog.set_config('skytools.public',
        (select coalesce(pg_catalog.string_agg(p.oid::text, ' '), '')
           from pg_catalog.pg_proc p
          cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
          where p.pronamespace = _schema and a.grantee = 0), true);
end;
$$;
