-- Ticks and rotations with transaction ids that this server has yet to give
-- out: the database was restored from another one.
select 'queue ' || q.queue_name,
       'transaction ids up to ' || greatest(pg_catalog.txid_snapshot_xmax(t.tick_snapshot), q.queue_switch_step1, q.queue_switch_step2)
           || ', the server is at ' || s.next,
       case when pg_catalog.to_regprocedure('pgq.rebase()') is not null then 'select pgq.rebase()' end
  from pgq.queue q
 cross join (select pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) as next) s
  left join lateral (
        select n.tick_snapshot from pgq.tick n
         where n.tick_queue = q.queue_id order by n.tick_id desc limit 1) t on true
 where greatest(pg_catalog.txid_snapshot_xmax(t.tick_snapshot), q.queue_switch_step1 + 1, q.queue_switch_step2 + 1) > s.next
 order by q.queue_name
