-- The whole database in one row.
with i as (select * from pgq.get_queue_info()),
     c as (select * from pgq.get_consumer_info(null, null::text))
select pg_catalog.current_database() as database,
       pg_catalog.current_setting('server_version') as server_version,
       pgq.version() as pgq_version,
       (select count(*) from i) as queues,
       (select count(*) from i where queue_ticker_paused) as paused_queues,
       (select max(ticker_lag) from i where not queue_ticker_paused and not queue_external_ticker) as oldest_tick,
       (select pg_catalog.round(sum(ev_per_sec)::numeric, 2) from i) as ev_per_sec,
       (select count(*) from c) as consumers,
       (select count(*) from c where current_batch is not null) as open_batches,
       (select max(lag) from c) as max_lag,
       (select consumer_name || ' on ' || queue_name from c where lag is not null order by lag desc limit 1) as max_lag_of,
       (select sum(pending_events) from c) as pending_events,
       (select count(*) from pgq.queue where queue_switch_step2 is null) as rotations_begun,
       (select pg_catalog.now() - min(a.xact_start) from pg_catalog.pg_stat_activity a
         where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()) as oldest_transaction
