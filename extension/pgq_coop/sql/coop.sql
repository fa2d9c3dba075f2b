-- registration: explicit, and by the first call for a batch
select pgq_coop.register_subconsumer('q', 'm', 'a');
select pgq_coop.register_subconsumer('q', 'm', 'a');
select * from subs;
select pgq_coop.next_batch('q', 'm', 'b') as nothing;
select * from subs;
select queue_name, consumer_name, lag is null as no_lag, last_tick, current_batch, next_tick, pending_events
  from pgq.get_consumer_info('q') order by consumer_name;

-- each batch goes to one subconsumer; the main position is what is handed out
call tick('one');
call tick('two');
call tick('three');
select pgq_coop.next_batch('q', 'm', 'a') as a_gets;
select * from subs;
select pgq_coop.next_batch('q', 'm', 'b') as b_gets;
select pgq_coop.next_batch('q', 'm', 'c') as c_gets;
select pgq_coop.next_batch('q', 'm', 'd') as d_gets;
select * from subs;

-- one that has a batch gets it again
select pgq_coop.next_batch('q', 'm', 'a') as a_again,
       pgq_coop.next_batch('q', 'm', 'a', '1 hour') as dead_interval,
       pgq_coop.next_batch_custom('q', 'm', 'a', '1 hour', 1000, '1 hour') as conditions,
       pgq_coop.next_batch_custom('q', 'm', 'a', '1 hour', 1000, '1 hour', '1 hour') as both;

-- read and finish in any order
select i.queue_name, i.consumer_name, i.prev_tick_id, i.tick_id, e.ev_data
  from generate_series(1, 3) b (id), pgq.get_batch_info(b.id) i, pgq.get_batch_events(b.id) e order by b.id;
select pgq_coop.finish_batch(2);
select pgq_coop.finish_batch(2) as twice;
select * from subs;
select pgq_coop.next_batch('q', 'm', 'b') as nothing;
call tick('four');
select pgq_coop.next_batch('q', 'm', 'b') as b_gets;
select pgq_coop.finish_batch(1), pgq_coop.finish_batch(3), pgq_coop.finish_batch(4);
select * from subs;

-- not a batch at all
select pgq_coop.finish_batch(99) as unknown;
select pgq_coop.finish_batch(null) as unknown;

-- conditions are those of pgq.next_batch_custom
call tick('five');
select pgq_coop.next_batch_custom('q', 'm', 'a', '1 hour', null, null) as too_young;
select pgq_coop.next_batch_custom('q', 'm', 'a', null, 1000000, null) as too_few;
select pgq_coop.next_batch_custom('q', 'm', 'a', null, null, null) as a_gets;
-- an event that is asked for again comes to any subconsumer
select pgq.event_retry(5, ev_id, 0) from pgq.get_batch_events(5);
select pgq_coop.finish_batch(5);
select pgq.maint_retry_events() as moved;
select pgq.force_tick('q') is not null as forced;
select pgq.ticker('q') is not null as ticked;
select pgq_coop.next_batch('q', 'm', 'c') as c_gets;
select ev_data, ev_retry from pgq.get_batch_events(6);
select pgq_coop.finish_batch(6);

-- a main consumer without subconsumers, and an ordinary batch, are not meant
select pgq.register_consumer('q', 'alone');
call tick('six');
select pgq.next_batch('q', 'alone') as ordinary;
select pgq_coop.finish_batch(7) as not_cooperative;
select pgq.finish_batch(7);

select pgq.unregister_consumer('q', 'm'), pgq.unregister_consumer('q', 'alone');
select * from subs;
