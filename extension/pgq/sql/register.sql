-- register_consumer, register_consumer_at, unregister_consumer.
\set VERBOSITY terse
-- texts show the batch's id
alter sequence pgq.batch_id_seq restart 1000000;
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';

select pgq.register_consumer('q', 'c');
select pgq.register_consumer('q', 'c');
select co_name from pgq.consumer;
select sub_last_tick, sub_batch, sub_next_tick, sub_active <= now() as active from pgq.subscription;

select pgq.register_consumer('nosuch', 'c');
select pgq.register_consumer(null, 'c');
select pgq.register_consumer('q', null);
select pgq.register_consumer_at('nosuch', 'c', 1);
select pgq.register_consumer_at('q', null, 1);
select pgq.register_consumer_at('q', 'c', 99);
select pgq.register_consumer_at('q', 'd', 99);
select pgq.register_consumer_at('q', 'c', -1);
select count(*) as consumers from pgq.consumer;

-- a new one starts at the newest tick, or where it is told
select pgq.ticker('q'), pgq.ticker('q'), pgq.ticker('q');
select pgq.register_consumer('q', 'top'), pgq.register_consumer_at('q', 'at2', 2), pgq.register_consumer_at('q', 'null', null);
select consumer_name, last_tick from pgq.get_consumer_info('q');

-- a registered one is moved forwards or backwards, and loses its open batch
select pgq.next_batch('q', 'at2') as b \gset
select current_batch = :b as open, next_tick from pgq.get_consumer_info('q', 'at2');
select pgq.register_consumer_at('q', 'at2', null);
select current_batch = :b as still_open from pgq.get_consumer_info('q', 'at2');
select pgq.register_consumer_at('q', 'at2', 3);
select last_tick, current_batch, next_tick, last_seen = '0' as seen_now from pgq.get_consumer_info('q', 'at2');
select pgq.finish_batch(:b);
select * from pgq.get_batch_events(:b);
select pgq.register_consumer_at('q', 'at2', 1);
select last_tick from pgq.get_consumer_info('q', 'at2');
select sub_id as sub from pgq.subscription, pgq.consumer where co_id = sub_consumer and co_name = 'at2' \gset
select pgq.register_consumer_at('q', 'at2', 4);
select sub_id = :sub as same_sub_id, last_tick
  from pgq.subscription, pgq.consumer, pgq.get_consumer_info('q', 'at2') where co_id = sub_consumer and co_name = 'at2';

-- without ticks
select pgq.create_queue('empty');
delete from pgq.tick where tick_queue = (select queue_id from pgq.queue where queue_name = 'empty');
select pgq.register_consumer('empty', 'c');
select pgq.drop_queue('empty');

-- unregister_consumer
select pgq.unregister_consumer('q', 'nosuch'), pgq.unregister_consumer('nosuch', 'c'),
       pgq.unregister_consumer(null, 'c'), pgq.unregister_consumer('q', null);
select pgq.create_queue('q2');
select pgq.register_consumer('q2', 'c');
select pgq.event_retry_raw('q', 'c', now(), 1, now(), 0, 't', 'd', null, null, null, null),
       pgq.event_retry_raw('q', 'top', now(), 2, now(), 0, 't', 'd', null, null, null, null),
       pgq.event_retry_raw('q2', 'c', now(), 3, now(), 0, 't', 'd', null, null, null, null);
select pgq.unregister_consumer('q', 'c');
select pgq.unregister_consumer('q', 'c');
-- only its own retry events go; the name stays while it is registered elsewhere
select ev_id from pgq.retry_queue order by 1;
select co_name from pgq.consumer order by 1;
select pgq.unregister_consumer('q2', 'c');
select co_name from pgq.consumer order by 1;
select ev_id from pgq.retry_queue order by 1;
-- with an open batch
select pgq.register_consumer_at('q', 'c', 1);
select pgq.next_batch('q', 'c') as b \gset
select pgq.unregister_consumer('q', 'c');
select pgq.finish_batch(:b);
select pgq.next_batch('q', 'c');
-- again: at the top, not where it was
select pgq.register_consumer('q', 'c');
select last_tick, current_batch from pgq.get_consumer_info('q', 'c');

-- subconsumers share the sub_id of their main consumer
select pgq.register_consumer('q', 'main'), pgq.register_consumer('q', 'main.1'), pgq.register_consumer('q', 'main.2');
select sub_id as main from pgq.subscription, pgq.consumer where co_id = sub_consumer and co_name = 'main' \gset
update pgq.subscription set sub_id = :main, sub_last_tick = null
 where sub_consumer in (select co_id from pgq.consumer where co_name like 'main.%');
select pgq.event_retry_raw('q', 'main', now(), 4, now(), 0, 't', 'd', null, null, null, null),
       pgq.event_retry_raw('q', 'main.2', now(), 5, now(), 0, 't', 'd', null, null, null, null);
select count(*) as retry, count(distinct ev_owner) as owners from pgq.retry_queue where ev_id in (4, 5);
select pgq.next_batch('q', 'main.1');
-- one alone goes, and leaves the shared retry events and its name
select pgq.unregister_consumer('q', 'main.1');
select co_name from pgq.consumer where co_name like 'main%' order by 1;
select count(*) as retry from pgq.retry_queue where ev_id in (4, 5);
-- one with an open batch
update pgq.subscription set sub_last_tick = 1, sub_next_tick = 2, sub_batch = nextval('pgq.batch_id_seq')
 where sub_consumer = (select co_id from pgq.consumer where co_name = 'main.2');
select pgq.unregister_consumer('q', 'main.2');
-- one whose batch is finished has no position again, which would hold up
-- rotation
select pgq.register_consumer('q', 'main.3');
update pgq.subscription set sub_id = :main, sub_last_tick = 1, sub_next_tick = 2, sub_batch = nextval('pgq.batch_id_seq')
 where sub_consumer = (select co_id from pgq.consumer where co_name = 'main.3');
select pgq.finish_batch(sub_batch) from pgq.subscription, pgq.consumer where co_id = sub_consumer and co_name = 'main.3';
select last_tick, current_batch, next_tick from pgq.get_consumer_info('q', 'main.3');
select pgq.unregister_consumer('q', 'main.3');
-- all go with the main one, also when it has an open batch itself
select pgq.register_consumer('q', 'main.1'), pgq.register_consumer('q', 'main.2');
update pgq.subscription set sub_id = :main, sub_last_tick = null
 where sub_consumer in (select co_id from pgq.consumer where co_name like 'main.%');
select pgq.register_consumer_at('q', 'main', 1);
select pgq.next_batch('q', 'main') is not null as open;
select pgq.unregister_consumer('q', 'main');
select co_name from pgq.consumer where co_name like 'main%' order by 1;
select count(*) as retry from pgq.retry_queue where ev_id in (4, 5);
select consumer_name from pgq.get_consumer_info('q');

select pgq.drop_queue('q', true), pgq.drop_queue('q2');
select (select count(*) from pgq.subscription) as subscriptions, (select count(*) from pgq.retry_queue) as retry;
