-- event_retry, batch_retry, event_retry_raw, maint_retry_events.
\set VERBOSITY terse
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select pgq.register_consumer('q', 'c'), pgq.register_consumer('q', 'd');
select queue_event_seq as seq, queue_data_pfx as pfx from pgq.queue \gset

-- the events of the next batch of a consumer, which is finished
create function consume(consumer text, out ev_id bigint, out ev_retry int, out ev_data text) returns setof record as $$
declare
    b bigint := pgq.next_batch('q', consumer);
begin
    return query select e.ev_id, e.ev_retry, e.ev_data from pgq.get_batch_events(b) e;
    perform pgq.finish_batch(b);
end;
$$ language plpgsql;

select count(pgq.insert_event('q', 't', 'ev' || n, 'x1', 'x2', 'x3', 'x4')) from generate_series(1, 4) n;
update pgq.queue set queue_ticker_max_lag = '0';
select pgq.ticker('q') > 0 as ok;
select pgq.next_batch('q', 'c') as b \gset
select sub_id as sub from pgq.subscription where sub_batch = :b \gset

select pgq.event_retry(:b, 1, 0);
select pgq.event_retry(:b, 1, 0) as again, pgq.event_retry(:b, 1, now()) as again;
select pgq.event_retry(:b, 2, now() + '1 hour');
select pgq.event_retry(:b, 3, 3600);
select pgq.event_retry(:b, 99, 0);
select pgq.event_retry(:b, null::bigint, 0);
select pgq.event_retry(0, 1, 0);
select pgq.event_retry(null, 1, 0);
select pgq.event_retry(0, 1, now());
select ev_id, ev_owner = :sub as owner, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra4, ev_retry_after - now() > '59 minutes' as later
  from pgq.retry_queue order by ev_id;
select r.ev_time = e.ev_time as same_time from pgq.retry_queue r join :pfx e using (ev_id) order by ev_id;
-- the seconds count from the transaction's start
begin;
select pgq.event_retry(:b, 4, 60);
select ev_retry_after - now() from pgq.retry_queue where ev_id = 4;
rollback;

-- the rest of the batch
select pgq.batch_retry(:b, 3600);
select pgq.batch_retry(:b, 3600);
select pgq.batch_retry(0, 1);
select pgq.batch_retry(null, 1);
select pgq.finish_batch(:b);
select pgq.event_retry(:b, 1, 0);

-- only what is due comes back, for its consumer alone
select last_value as before from :seq \gset
select pgq.maint_retry_events();
select pgq.maint_retry_events();
select last_value - :before as burned from :seq;
select ev_id from pgq.retry_queue order by 1;
select pgq.insert_event('q', 't', 'ev5') - :before as id;
select pgq.ticker('q') > 0 as ok;
select * from consume('d');
select * from consume('d');
select * from consume('c');
select count(*) as rows, count(distinct ev_time) as times from :pfx where ev_id = 1;

-- once more: the count goes on
update pgq.retry_queue set ev_retry_after = now() where ev_id = 2;
select pgq.maint_retry_events();
select pgq.ticker('q') > 0 as ok;
select pgq.next_batch('q', 'c') as b \gset
select ev_id, ev_retry from pgq.get_batch_events(:b);
-- as long as a row waits, another one is not put there
select pgq.event_retry_raw('q', 'c', now() + '1 hour', 2, now(), 0, 't', 'waits', null, null, null, null);
select pgq.event_retry(:b, 2, 0);
select pgq.batch_retry(:b, 0);
delete from pgq.retry_queue where ev_id = 2;
select pgq.event_retry(:b, 2, 0);
select pgq.finish_batch(:b);
select pgq.maint_retry_events();
select pgq.ticker('q') > 0 as ok;
select * from consume('c');

-- 10 at a time, the longest due first
select pgq.unregister_consumer('q', 'd');
delete from pgq.retry_queue;
select count(pgq.event_retry_raw('q', 'c', now() - n * interval '1 minute', 1000 + n, now(), n, 't', 'raw' || n, null, null, null, null))
  from generate_series(1, 23) n;
select pgq.maint_retry_events();
select min(ev_id), max(ev_id) from pgq.retry_queue;
select pgq.maint_retry_events(), pgq.maint_retry_events(), pgq.maint_retry_events();
select pgq.ticker('q') > 0 as ok;
select count(*), min(ev_retry), max(ev_retry) from consume('c') where ev_id > 1000;

-- event_retry_raw
select pgq.event_retry_raw('q', 'c', '2001-01-01 UTC', 5000, '2000-01-01 UTC', 7, 't', 'd', 'e1', 'e2', 'e3', 'e4');
select ev_retry_after = '2001-01-01 UTC' as after, ev_time = '2000-01-01 UTC' as "time", ev_owner = :sub as owner, ev_retry, ev_type, ev_data,
       ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_txid
  from pgq.retry_queue where ev_id = 5000;
select last_value as before from :seq \gset
select pgq.event_retry_raw('q', 'c', now(), null, now(), null, null, null, null, null, null, null) - :before as id;
select pgq.event_retry_raw('q', 'nosuch', now(), 1, now(), null, null, null, null, null, null, null);
select pgq.event_retry_raw('nosuch', 'c', now(), 1, now(), null, null, null, null, null, null, null);
select pgq.event_retry_raw(null, null, now(), 1, now(), null, null, null, null, null, null, null);
select pgq.event_retry_raw('q', 'c', now(), 5000, now(), null, null, null, null, null, null, null);

delete from pgq.retry_queue;
-- a queue that takes no inserts keeps its events waiting, and no other's
select pgq.create_queue('other');
select pgq.register_consumer('other', 'c');
select pgq.event_retry_raw('q', 'c', now(), 1, now(), 0, 't', 'd', null, null, null, null),
       pgq.event_retry_raw('other', 'c', now(), 1, now(), 0, 't', 'd', null, null, null, null);
update pgq.queue set queue_disable_insert = true where queue_name = 'q';
select pgq.maint_retry_events(), pgq.maint_retry_events();
set session_replication_role = replica;
select pgq.maint_retry_events();
reset session_replication_role;
update pgq.queue set queue_disable_insert = false;
-- nor does the limit of a transaction hold up what was let in once
update pgq.queue set queue_per_tx_limit = 2;
select count(pgq.event_retry_raw('q', 'c', now(), n, now(), 0, 't', 'd', null, null, null, null)) from generate_series(1, 5) n;
select pgq.maint_retry_events();
select pgq.drop_queue('other', true);
drop function consume;
select pgq.drop_queue('q', true);
