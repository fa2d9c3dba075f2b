-- Triggers that write to a queue which is gone: each change of the table fails.
select 'table ' || t.tgrelid::regclass, pg_catalog.format('trigger %s writes to queue %s, which is gone', t.tgname, a.queue),
       pg_catalog.format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass)
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 cross join lateral (
        select pg_catalog.convert_from(pg_catalog.substr(t.tgargs, 1, position('\x00'::bytea in t.tgargs) - 1),
                   pg_catalog.getdatabaseencoding()) as queue) a
 where n.nspname = 'pgq'
   and p.proname in ('sqltriga', 'logutriga', 'jsontriga')
   and t.tgnargs > 0
   and t.tgparentid = 0
   and not exists (select from pgq.queue q where q.queue_name = a.queue)
 order by 1, 2
