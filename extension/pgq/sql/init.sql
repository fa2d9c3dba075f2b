-- The extension as installed: tables, functions, rights, comments, dump.
set client_min_messages = warning;
create extension pgq;
reset client_min_messages;

select pgq.version() = x.extversion as version_is_the_extension_s, pgq.version() ~ '^[3-9]' as clients_accept_it
  from pg_extension x where x.extname = 'pgq';

select v.name, v.superuser, v.relocatable, v.schema, v.requires, a.comment
  from pg_available_extension_versions v join pg_available_extensions a using (name)
 where v.name = 'pgq' and v.version = a.default_version;

-- Columns, in order: clients say select *.
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "not null",
       pg_get_expr(d.adbin, d.adrelid) as "default"
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'v')
 order by c.relname collate "C", a.attnum;

select c.conrelid::regclass as "table", c.conname, pg_get_constraintdef(c.oid) as definition
  from pg_constraint c
 where c.connamespace = 'pgq'::regnamespace and c.contype <> 'n'
 order by c.conrelid::regclass::text collate "C", c.conname collate "C";

select i.indexrelid::regclass as index, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class c on c.oid = i.indrelid
 where c.relnamespace = 'pgq'::regnamespace and not i.indisunique
 order by i.indexrelid::regclass::text collate "C";

select c.oid::regclass as sequence, format_type(s.seqtypid, null) as type, s.seqstart, s.seqincrement, s.seqcache
  from pg_sequence s join pg_class c on c.oid = s.seqrelid
 where c.relnamespace = 'pgq'::regnamespace
 order by c.relname collate "C";
-- pg_get_serial_sequence is what clients ask with
select pg_get_serial_sequence('pgq.queue', 'queue_id') as queue, pg_get_serial_sequence('pgq.consumer', 'co_id') as consumer;

-- Rights on relations, without the owner's.
select c.relname, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
       string_agg(a.privilege_type, ' ' order by a.privilege_type) as rights
  from pg_class c
  cross join aclexplode(c.relacl) a
 where c.relnamespace = 'pgq'::regnamespace and a.grantee <> c.relowner
 group by c.relname, a.grantee
 order by c.relname collate "C", a.grantee::regrole::text collate "C";
select has_schema_privilege('public', 'pgq', 'usage') as usage, has_schema_privilege('public', 'pgq', 'create') as "create";

-- Roles.
select r.rolname, r.rolcanlogin, r.rolinherit, r.rolsuper,
       array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid order by 1) as member_of
  from pg_roles r where r.rolname in ('pgq_reader', 'pgq_writer', 'pgq_admin') order by r.rolname;
select pgq.upgrade_schema();

-- What a dump takes along, sequences too.
select t.oid::regclass as dumped, nullif(x.extcondition[t.nr], '') as condition
  from pg_extension x, unnest(x.extconfig) with ordinality t (oid, nr)
 where x.extname = 'pgq' order by t.nr;
-- no table or sequence of ours is left out
select c.oid::regclass as not_dumped
  from pg_class c, pg_extension x
 where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'S') and x.extname = 'pgq'
   and c.oid <> all (x.extconfig);

-- Nothing without a comment.
select p.oid::regprocedure as function from pg_proc p
 where p.pronamespace = 'pgq'::regnamespace and obj_description(p.oid, 'pg_proc') is null;
select c.oid::regclass as relation from pg_class c
 where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'v') and obj_description(c.oid, 'pg_class') is null;

-- Who runs with the owner's rights has a path that nobody else can write to.
select p.oid::regprocedure as function, p.proconfig
  from pg_proc p
  join pg_language l on l.oid = p.prolang
 where p.pronamespace = 'pgq'::regnamespace and p.prosecdef and l.lanname in ('sql', 'plpgsql')
   and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false);
select has_schema_privilege('pgq_admin', 'pgq', 'create') as admin_may_create_in_pgq;
