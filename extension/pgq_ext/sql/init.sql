-- The contract's surface: tables or views, functions, grants, comments, dump.
set client_min_messages = warning;
create extension pgq_ext;
reset client_min_messages;

select pgq_ext.version() = x.extversion as version_is_the_extension_s
  from pg_extension x where x.extname = 'pgq_ext';

select c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod) as type,
       pg_get_expr(d.adbin, d.adrelid) as "default"
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = 'pgq_ext'::regnamespace and c.relkind in ('r', 'v')
 order by c.relname collate "C", a.attnum;

select p.oid::regprocedure as function, p.prosecdef as definer,
       has_function_privilege('pgq_reader', p.oid, 'execute') as reader,
       has_function_privilege('pgq_writer', p.oid, 'execute') as writer,
       has_function_privilege('pgq_admin', p.oid, 'execute') as admin
  from pg_proc p
 where p.pronamespace = 'pgq_ext'::regnamespace
 order by p.oid::regprocedure::text collate "C";

-- nothing without a comment
select p.oid::regprocedure as function from pg_proc p
 where p.pronamespace = 'pgq_ext'::regnamespace and obj_description(p.oid, 'pg_proc') is null;
select c.oid::regclass as relation from pg_class c
 where c.relnamespace = 'pgq_ext'::regnamespace and c.relkind in ('r', 'v') and obj_description(c.oid, 'pg_class') is null;

-- tables are for the owner only
select c.oid::regclass as relation, c.relacl from pg_class c
 where c.relnamespace = 'pgq_ext'::regnamespace and c.relkind in ('r', 'v') and c.relacl is not null;
select has_schema_privilege('public', 'pgq_ext', 'usage') as schema_is_public;

-- what a dump takes along
select t.oid::regclass as dumped
  from pg_extension x, unnest(x.extconfig) with ordinality as t (oid, nr)
 where x.extname = 'pgq_ext' order by t.nr;

select pgq_ext.upgrade_schema();
