-- Consumers that stand at a tick which is gone: they get no batch any more.
-- They go on at the oldest tick that is left. A subconsumer shares its sub_id
-- and is left to pgq_coop.
select 'consumer ' || c.co_name || ' on ' || q.queue_name,
       'stands at tick ' || s.sub_last_tick || ', which is gone'
           || case when s.sub_batch is not null then '; its open batch ' || s.sub_batch || ' cannot be read' else '' end,
       case when s.alone and f.tick_id is not null
            then pg_catalog.format('select pgq.register_consumer_at(%L, %L, %s)', q.queue_name, c.co_name, f.tick_id) end
  from (select s.*, count(*) over (partition by s.sub_queue, s.sub_id) = 1 as alone from pgq.subscription s) s
  join pgq.queue q on q.queue_id = s.sub_queue
  join pgq.consumer c on c.co_id = s.sub_consumer
  left join lateral (
        select coalesce(min(t.tick_id) filter (where t.tick_id > s.sub_last_tick), min(t.tick_id)) as tick_id
          from pgq.tick t where t.tick_queue = s.sub_queue) f on true
 where s.sub_last_tick is not null
   and not exists (select from pgq.tick t where t.tick_queue = s.sub_queue and t.tick_id = s.sub_last_tick)
 order by q.queue_name, c.co_name
