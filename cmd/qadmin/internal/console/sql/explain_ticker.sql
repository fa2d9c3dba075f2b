-- Why no tick sees a committed event. $1: queue.
select t.tick_id, pg_catalog.now() - t.tick_time,
       case when q.queue_external_ticker then 'the next tick makes it visible; ticks come from outside'
            when q.queue_ticker_paused then 'the ticker is paused for this queue: alter queue ... set paused=0'
            when pg_catalog.now() - t.tick_time > 2 * greatest(q.queue_ticker_max_lag, q.queue_ticker_idle_period)
            then 'the next tick makes it visible, and one is long overdue: is pgqd running?'
            else 'the next tick makes it visible: it is due ' || q.queue_ticker_max_lag || ' after the last one, or after '
                 || q.queue_ticker_max_count || ' events' end
  from pgq.queue q
  left join lateral (
        select n.tick_id, n.tick_time from pgq.tick n
         where n.tick_queue = q.queue_id order by n.tick_id desc limit 1) t on true
 where q.queue_name = $1
