-- Triggers that write to queues. $1: queue, or NULL for all. The arguments of
-- a trigger are kept with a zero byte behind each.
select t.tgrelid::regclass as table_name, t.tgname as trigger_name, p.proname as function, a.queue as queue_name,
       exists (select from pgq.queue q where q.queue_name = a.queue) as queue_exists,
       t.tgenabled <> 'D' as enabled,
       pg_catalog.pg_get_triggerdef(t.oid) as definition
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 cross join lateral (
        select pg_catalog.convert_from(pg_catalog.substr(t.tgargs, 1, position('\x00'::bytea in t.tgargs) - 1),
                   pg_catalog.getdatabaseencoding()) as queue) a
 where n.nspname = 'pgq'
   and p.proname in ('sqltriga', 'logutriga', 'jsontriga')
   and t.tgnargs > 0
   and ($1::text is null or a.queue = $1)
 order by 1, 2
