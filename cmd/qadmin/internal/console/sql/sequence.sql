-- The statements that make a sequence, one a row. $1: its oid.
with s as (
    select c.oid, c.relacl, c.relowner, c.relkind, pg_catalog.format('%I.%I', n.nspname, c.relname) as fq, q.*
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_sequence q on q.seqrelid = c.oid
     where c.oid = $1::oid
)
select line as ddl from (
    select 1 as part, '' as ord,
           pg_catalog.format('CREATE SEQUENCE %s AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s;',
               fq, pg_catalog.format_type(seqtypid, null), seqincrement, seqmin, seqmax, seqstart, seqcache,
               case when seqcycle then ' CYCLE' else '' end) as line
      from s
    union all
    select 2, '', pg_catalog.format('ALTER SEQUENCE %s OWNED BY %s.%I;', s.fq, d.refobjid::regclass, a.attname)
      from s
      join pg_catalog.pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid
       and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype = 'a'
      join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    union all
    select 3, g.grantee::regrole::text || g.privilege_type,
           pg_catalog.format('GRANT %s ON SEQUENCE %s TO %s%s;', g.privilege_type, s.fq,
               case g.grantee when 0 then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end,
               case when g.is_grantable then ' WITH GRANT OPTION' else '' end)
      from s, pg_catalog.aclexplode(s.relacl) g
     where g.grantee <> s.relowner
    union all
    select 4, '', pg_catalog.format('ALTER SEQUENCE %s OWNER TO %I;', fq, pg_catalog.pg_get_userbyid(relowner)) from s
) l
order by part, ord
