-- Sequences that would give out an id again. The newest event of a queue is
-- looked for behind its newest tick only, where the index finds it.
with event as (
    select q.queue_id,
           pg_catalog.substring(pg_catalog.query_to_xml(pg_catalog.format('select max(ev_id) as m from %I.%I where ev_txid >= %s',
               split_part(q.queue_data_pfx, '.', 1), split_part(q.queue_data_pfx, '.', 2),
               coalesce(pg_catalog.txid_snapshot_xmin(t.tick_snapshot), 0)), false, false, '')::text, '<m>([0-9]+)</m>')::bigint as newest
      from pgq.queue q
      left join lateral (
            select n.tick_snapshot from pgq.tick n
             where n.tick_queue = q.queue_id order by n.tick_id desc limit 1) t on true
), need as (
    select 'queue ' || q.queue_name as object, q.queue_tick_seq as seq,
           (select max(t.tick_id) from pgq.tick t where t.tick_queue = q.queue_id) as used,
           0 as unused -- what it counts for before its first use
      from pgq.queue q
    union all
    select 'queue ' || q.queue_name, q.queue_event_seq,
           greatest((select max(t.tick_event_seq) from pgq.tick t where t.tick_queue = q.queue_id), event.newest), 1
      from pgq.queue q
      join event on event.queue_id = q.queue_id
    union all
    select 'batches', 'pgq.batch_id_seq', max(sub_batch), 0 from pgq.subscription
    union all
    select 'queues', 'pgq.queue_queue_id_seq', max(queue_id), 0 from pgq.queue
    union all
    select 'consumers', 'pgq.consumer_co_id_seq', max(co_id), 0 from pgq.consumer
    union all
    select 'registrations', 'pgq.subscription_sub_id_seq', max(sub_id), 0 from pgq.subscription
), have as (
    select need.*, pg_catalog.format('%I.%I', split_part(need.seq, '.', 1), split_part(need.seq, '.', 2))::regclass as rel
      from need
)
select object, 'sequence ' || seq || ' is at ' || coalesce(pg_catalog.pg_sequence_last_value(rel)::text, 'its start') || ', used is ' || used,
       pg_catalog.format('select pg_catalog.setval(%L, %s)', rel::text, used)
  from have
 where used > coalesce(pg_catalog.pg_sequence_last_value(rel), unused)
 order by object, seq
