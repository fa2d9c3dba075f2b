-- get_queue_info, get_consumer_info.
\set VERBOSITY terse
select count(*) from pgq.get_queue_info();
select count(*) from pgq.get_consumer_info();
select pgq.create_queue('beta'), pgq.create_queue('Alpha'), pgq.create_queue('gamma');
select pgq.set_queue_config('beta', 'ticker_max_count', '7'), pgq.set_queue_config('beta', 'ticker_max_lag', '7 s'),
       pgq.set_queue_config('beta', 'ticker_idle_period', '77 s'), pgq.set_queue_config('beta', 'rotation_period', '7 h'),
       pgq.set_queue_config('beta', 'ticker_paused', 't'), pgq.set_queue_config('beta', 'external_ticker', 't');
select queue_name, queue_ntables, queue_cur_table, queue_rotation_period, queue_switch_time <= now() as switched, queue_external_ticker,
       queue_ticker_paused, queue_ticker_max_count, queue_ticker_max_lag, queue_ticker_idle_period, ticker_lag >= '0' as lag, ev_per_sec, ev_new, last_tick_id
  from pgq.get_queue_info();
select queue_name from pgq.get_queue_info('gamma');
select queue_name from pgq.get_queue_info(null) where queue_name <> 'beta';
select queue_name from pgq.get_queue_info('nosuch');
select (select array_agg(i::text) from pgq.get_queue_info() i) = (select array_agg(i::text) from pgq.get_queue_info(null) i) as same;

-- rate and lag, from the ticks' sequence values
select queue_id as q from pgq.queue where queue_name = 'gamma' \gset
select count(pgq.insert_event('gamma', 't', 'd')) from generate_series(1, 1000);
select ev_new from pgq.get_queue_info('gamma');
begin;
update pgq.tick set tick_time = now() - interval '100 s', tick_event_seq = 1 where tick_queue = :q;
insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq) values
    (:q, 2, now() - interval '50 s', 201), (:q, 21, now() - interval '20 s', 801), (:q, 22, now() - interval '10 s', 951);
-- the oldest that is not more than 20 below: tick 2
select ticker_lag, round(ev_per_sec::numeric, 3) as ev_per_sec, ev_new, last_tick_id from pgq.get_queue_info('gamma');
update pgq.tick set tick_id = 23 where tick_id = 22;
select ticker_lag, round(ev_per_sec::numeric, 3) as ev_per_sec, ev_new, last_tick_id from pgq.get_queue_info('gamma');
update pgq.tick set tick_id = 50 where tick_id = 23;
select ticker_lag, ev_per_sec, ev_new, last_tick_id from pgq.get_queue_info('gamma');
delete from pgq.tick where tick_queue = :q;
select ticker_lag, ev_per_sec, ev_new, last_tick_id from pgq.get_queue_info('gamma');
rollback;

-- consumers
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0' where queue_name <> 'beta';
select pgq.register_consumer('gamma', 'c2'), pgq.register_consumer('gamma', 'C1'), pgq.register_consumer('Alpha', 'c2');
select pgq.ticker();
begin;
update pgq.tick set tick_time = now() - interval '10 s' where tick_id = 1;
update pgq.subscription set sub_active = now() - interval '20 s';
select * from pgq.get_consumer_info();
select * from pgq.get_consumer_info('gamma');
select * from pgq.get_consumer_info('gamma', 'c2');
select * from pgq.get_consumer_info(null, 'c2');
select * from pgq.get_consumer_info(null, null) where queue_name = 'Alpha';
select * from pgq.get_consumer_info('nosuch');
select * from pgq.get_consumer_info('gamma', 'nosuch');
-- the tick is gone, or there is none
delete from pgq.tick where tick_id = 1 and tick_queue = :q;
update pgq.subscription set sub_last_tick = null where sub_queue <> :q;
select * from pgq.get_consumer_info();
rollback;
-- with one snapshot, without writing, as on a standby
begin isolation level repeatable read read only;
select count(*) from pgq.get_queue_info();
select count(*) from pgq.get_consumer_info();
select count(*) > 0 as rotation from pgq.get_rotation_info(null);
select count(*) from pgq.ticker_state();
select queue_name from pgq.get_batch_info(0);
select pgq.next_batch('gamma', 'c2') is null as read_only;
rollback;
select pgq.next_batch('gamma', 'c2') as b \gset
select current_batch = :b as batch, last_tick, next_tick, pending_events > 0 as pending from pgq.get_consumer_info('gamma', 'c2');
select pgq.drop_queue(queue_name, true) from pgq.queue;
