-- Events that wait to be tried again. $1: queue, or NULL for all.
select q.queue_name, c.co_name as consumer_name, count(*) as events, min(r.ev_retry_after) as next_retry,
       max(r.ev_retry) as most_retries, min(r.ev_time) as oldest_event
  from pgq.retry_queue r
  join pgq.queue q on q.queue_id = r.ev_queue
  left join lateral (
        select min(c.co_name) as co_name
          from pgq.subscription s
          join pgq.consumer c on c.co_id = s.sub_consumer
         where s.sub_id = r.ev_owner and s.sub_queue = r.ev_queue) c on true
 where $1::text is null or q.queue_name = $1
 group by q.queue_name, c.co_name
 order by q.queue_name, c.co_name
