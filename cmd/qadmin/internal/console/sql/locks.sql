-- Locks on tables and queues of PgQ.
select l.pid, a.usename as user_name, a.application_name as application, a.state, pg_catalog.now() - a.xact_start as age,
       case when l.locktype = 'advisory' then (select 'queue ' || q.queue_name from pgq.queue q where q.queue_id = l.objid::bigint)
            else l.relation::regclass::text end as object,
       l.mode, l.granted, pg_catalog.pg_blocking_pids(l.pid) as blocked_by
  from pg_catalog.pg_locks l
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  left join pg_catalog.pg_class c on c.oid = l.relation
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
   and (l.locktype = 'relation' and n.nspname in ('pgq', 'pgq_coop', 'pgq_ext', 'pgq_node', 'londiste')
        or l.locktype = 'advisory' and l.classid = 'pgq.queue'::regclass and l.objsubid = 2)
   and l.pid is distinct from pg_catalog.pg_backend_pid()
 order by l.granted, a.xact_start, l.pid, 6, 7
