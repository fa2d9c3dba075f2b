-- What an event is to each consumer. $1: queue, $2: the first tick that sees
-- it, NULL if there is none yet, $3: sub_id of the only consumer that it is
-- for, 0 for all.
select c.co_name,
       case when $2::bigint is null then 'waits for a tick'
            when s.sub_last_tick is null then 'idle'
            when s.sub_last_tick >= $2::bigint then 'done'
            when s.sub_next_tick >= $2::bigint then 'in its open batch'
            else 'behind' end,
       s.sub_last_tick,
       pg_catalog.now() - s.sub_active,
       case when s.sub_last_tick >= $2::bigint then 'finished, or registered later'
            when s.sub_next_tick >= $2::bigint then 'batch ' || s.sub_batch
            when s.sub_batch is not null then 'works on batch ' || s.sub_batch || ', which ends at tick ' || s.sub_next_tick
            when s.sub_last_tick < $2::bigint then 'has no open batch: is it running?' end
  from pgq.subscription s
  join pgq.queue q on q.queue_id = s.sub_queue
  join pgq.consumer c on c.co_id = s.sub_consumer
 where q.queue_name = $1
   and ($3::int = 0 or s.sub_id = $3::int)
 order by c.co_name
