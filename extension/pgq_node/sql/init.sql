-- The contract's surface: functions, grants, tables, comments.
set client_min_messages = warning;
create extension pgq_node cascade;
reset client_min_messages;

select pgq_node.version() = x.extversion as version_is_the_extension_s
  from pg_extension x where x.extname = 'pgq_node';

select p.oid::regprocedure as function, p.prosecdef as definer,
       has_function_privilege('public', p.oid, 'execute') as public,
       has_function_privilege('pgq_reader', p.oid, 'execute') as reader,
       has_function_privilege('pgq_writer', p.oid, 'execute') as writer,
       has_function_privilege('pgq_admin', p.oid, 'execute') as admin
  from pg_proc p
 where p.pronamespace = 'pgq_node'::regnamespace
 order by p.oid::regprocedure::text collate "C";
select p.proname as function, pg_get_function_result(p.oid) as result
  from pg_proc p
 where p.pronamespace = 'pgq_node'::regnamespace and p.proname !~ '^_'
 order by p.proname collate "C";
select c.relname as "table", has_table_privilege('public', c.oid, 'select') as public,
       has_table_privilege('pgq_reader', c.oid, 'select') as reader,
       has_table_privilege('pgq_reader', c.oid, 'insert') as reader_writes,
       has_table_privilege('pgq_writer', c.oid, 'select') as writer,
       has_table_privilege('pgq_writer', c.oid, 'insert') as writer_writes,
       has_table_privilege('pgq_admin', c.oid, 'select, insert, update, delete') as admin
  from pg_class c where c.relnamespace = 'pgq_node'::regnamespace and c.relkind in ('r', 'v')
 order by c.relname collate "C";
select c.conrelid::regclass as "table", c.conname, pg_get_constraintdef(c.oid)
  from pg_constraint c where c.connamespace = 'pgq_node'::regnamespace and c.contype in ('p', 'f', 'c')
 order by c.conrelid::regclass::text collate "C", c.conname collate "C";
select a.attrelid::regclass as "table", string_agg(concat_ws(' ', a.attname, a.atttypid::regtype), ', ' order by a.attnum)
  from pg_attribute a join pg_class c on c.oid = a.attrelid
 where c.relnamespace = 'pgq_node'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
 group by 1 order by 1::text collate "C";
select p.oid::regprocedure as function from pg_proc p
 where p.pronamespace = 'pgq_node'::regnamespace and obj_description(p.oid, 'pg_proc') is null;
select has_schema_privilege('public', 'pgq_node', 'usage') as schema_is_public;
select t::regclass as dumped from pg_extension e, unnest(e.extconfig) with ordinality u (t, nr) where e.extname = 'pgq_node' order by u.nr;
