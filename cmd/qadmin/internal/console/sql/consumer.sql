-- Consumers with position and lag. $1: queue, $2: consumer; NULL: any. The
-- bytes are an estimate, by the size of an event between the oldest tick and
-- the newest one.
with parent as (
    select n.nspname || '.' || c.relname as name, c.oid
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and c.relhassubclass
), tab as (
    select q.queue_id, h.inhrelid as rel
      from pgq.queue q
      join parent p on p.name = q.queue_data_pfx
      join pg_catalog.pg_inherits h on h.inhparent = p.oid
     where $1::text is null or q.queue_name = $1
), size as (
    select tab.queue_id, sum(pg_catalog.pg_total_relation_size(tab.rel))::float8 as bytes
      from tab
     where (select count(*) from tab) <= 1000
     group by tab.queue_id
), event as (
    select size.queue_id, size.bytes / nullif(l.tick_event_seq - f.tick_event_seq, 0) as bytes
      from size
     cross join lateral (
            select t.tick_event_seq from pgq.tick t
             where t.tick_queue = size.queue_id order by t.tick_id limit 1) f
     cross join lateral (
            select t.tick_event_seq from pgq.tick t
             where t.tick_queue = size.queue_id order by t.tick_id desc limit 1) l
)
select i.queue_name, i.consumer_name, i.lag, i.last_seen, i.last_tick, i.current_batch, i.next_tick, i.pending_events,
       case when i.pending_events = 0 then 0 else pg_catalog.round(i.pending_events * event.bytes)::bigint end as pending_bytes,
       t.tick_time < q.queue_switch_time as blocks_rotation
  from pgq.get_consumer_info($1, $2::text) i
  join pgq.queue q on q.queue_name = i.queue_name
  left join event on event.queue_id = q.queue_id
  left join pgq.tick t on t.tick_queue = q.queue_id and t.tick_id = i.last_tick
 order by i.queue_name, i.consumer_name
