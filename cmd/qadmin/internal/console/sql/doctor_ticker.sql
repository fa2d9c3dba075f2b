-- Queues that no ticker serves.
select 'queue ' || i.queue_name,
       'no tick for ' || pg_catalog.date_trunc('second', i.ticker_lag) || ': is pgqd running?',
       null
  from pgq.get_queue_info() i
 where not i.queue_ticker_paused
   and not i.queue_external_ticker
   and i.ticker_lag > 2 * greatest(i.queue_ticker_idle_period, i.queue_ticker_max_lag, interval '1 minute')
 order by i.queue_name
