-- ticker_state, tick_if: for a ticker that looks often.
\set VERBOSITY terse
select pgq.create_queue('q'), pgq.create_queue('ext'), pgq.create_queue('paused'), pgq.create_queue('a');
update pgq.queue set queue_external_ticker = true where queue_name = 'ext';
update pgq.queue set queue_ticker_paused = true where queue_name = 'paused';

select queue_name, event_seq, last_tick_id, last_tick_seq, due from pgq.ticker_state();
select last_tick_snapshot::text = tick_snapshot::text as snapshot, txid_snapshot_xmax(cur_snapshot) >= txid_snapshot_xmax(tick_snapshot) as cur_snapshot
  from pgq.ticker_state(), pgq.tick, pgq.queue q where tick_queue = queue_id and q.queue_name = ticker_state.queue_name;
-- here the first event is seen
select pgq.insert_event('q', 't', 'd');
select event_seq, due from pgq.ticker_state() where queue_name = 'q';
update pgq.tick set tick_time = now() - interval '3 s';
select queue_name, due from pgq.ticker_state();
update pgq.tick set tick_time = now();
select queue_name, due from pgq.ticker_state();
update pgq.queue set queue_ticker_max_count = 3 where queue_name = 'q';
select count(pgq.insert_event('q', 't', 'd')) from generate_series(1, 3);
select queue_name, event_seq - last_tick_seq as new, due from pgq.ticker_state();

-- only if the newest tick is still that one; whatever the settings say
select pgq.tick_if('q', 0), pgq.tick_if('q', 2), pgq.tick_if('q', null);
select pgq.tick_if('q', 1);
select pgq.tick_if('q', 1);
select pgq.tick_if('q', 2);
select tick_id, tick_event_seq, tick_time = now() or tick_time < now() as "time" from pgq.tick, pgq.queue where tick_queue = queue_id and queue_name = 'q' order by 1;
select pgq.tick_if('nosuch', 1), pgq.tick_if('ext', 1), pgq.tick_if('paused', 1), pgq.tick_if(null, 1);
delete from pgq.tick where tick_queue = (select queue_id from pgq.queue where queue_name = 'a');
select queue_name, last_tick_id, due from pgq.ticker_state();
select pgq.tick_if('a', 1), pgq.tick_if('a', null);
begin isolation level repeatable read;
select pgq.tick_if('a', 2);
rollback;
select pgq.drop_queue(queue_name) from pgq.queue;
