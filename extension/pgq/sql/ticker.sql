-- ticker, force_tick: when a tick is made, and what it holds.
\set VERBOSITY terse
select pgq.create_queue('q');
select queue_id as q, queue_event_seq as seq, queue_tick_seq as tickseq from pgq.queue \gset

-- as if the newest tick were so old, the gap before it so long, and there were
-- so many new ids; what ticker(name) says then
create function decide(lag interval, gap interval, new bigint, max_count int = 500, max_lag interval = '3 s', idle interval = '60 s')
returns text as $$
declare
    t bigint;
begin
    update pgq.queue set queue_ticker_max_count = max_count, queue_ticker_max_lag = max_lag, queue_ticker_idle_period = idle;
    delete from pgq.tick;
    insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq)
    select queue_id, nextval(queue_tick_seq), now() - lag - gap, 0 from pgq.queue where gap is not null;
    insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq)
    select queue_id, nextval(queue_tick_seq), now() - lag, last_value - new from pgq.queue, pgq_test_seq where lag is not null;
    t := pgq.ticker('q');
    if t is null then
        return '-';
    elsif t = (select max(tick_id) from pgq.tick) then
        return 'tick';
    end if;
    return t;
end;
$$ language plpgsql;
create view pgq_test_seq as select last_value from :seq;

-- no tick at all
select decide(null, null, 0);
-- new events
select decide('0', '1 s', 1) as young, decide('2.9 s', '1 s', 499) as nearly, decide('3 s', '1 s', 1) as max_lag, decide('0', '1 s', 500) as max_count,
       decide('1 h', '1 s', 1) as old, decide('0', '1 s', 1, max_count => 1) as count_1, decide('0', '1 s', 1, max_lag => '0') as lag_0;
select decide('0', null, 1) as no_gap;
-- nothing new: intervals double, from half of max_lag on, up to the idle period
select decide('10 s', null, 0) as first_gap, decide('0', null, 0) as first_gap_0;
select decide('1.4 s', '0.5 s', 0) as below_half, decide('1.5 s', '0.5 s', 0) as half, decide('9.9 s', '5 s', 0) as below_twice, decide('10 s', '5 s', 0) as twice,
       decide('59 s', '40 s', 0) as below_idle, decide('60 s', '40 s', 0) as idle, decide('60 s', '1 d', 0) as idle_long;
select decide('1 s', '10 s', 0, max_lag => '1 s', idle => '1 s') as idle_short, decide('0.4 s', '0.1 s', 0, max_lag => '1 s', idle => '0') as half_first,
       decide('0', '1 s', 0, max_lag => '0', idle => '0') as always;
-- ids that went backwards count as nothing new, with a warning if it comes to a tick
select decide('1 s', '1 s', -5), decide('60 s', '1 s', -5);

drop function decide;
drop view pgq_test_seq;
delete from pgq.tick;
update pgq.queue set queue_ticker_max_count = default, queue_ticker_max_lag = default, queue_ticker_idle_period = default;

-- what it holds
select pgq.ticker('q') = last_value as from_sequence from :tickseq;
select tick_time <= now() as "time", tick_event_seq from pgq.tick;
select pgq.ticker('q') is null as not_yet, pgq.ticker() as none;
-- the first event does not change last_value, the second one does
update pgq.tick set tick_time = now() - interval '1 h';
select pgq.insert_event('q', 't', 'd');
select ev_new from pgq.get_queue_info('q');
select pgq.ticker('q') > 0 as first_gap;
select pgq.insert_event('q', 't', 'd');
select ev_new from pgq.get_queue_info('q');
update pgq.tick set tick_time = now() - interval '3 s';
select pgq.ticker('q') > 0 as tick;
select tick_event_seq from pgq.tick order by tick_id desc limit 1;

-- ticks of one transaction have one time
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
begin;
select pgq.ticker('q') > 0 as a, pgq.ticker('q') > 0 as b;
select count(*) from pgq.tick where tick_time = now();
commit;
-- nor is it the transaction's old snapshot
begin isolation level repeatable read;
select pgq.ticker('q');
rollback;
begin isolation level serializable;
select pgq.ticker();
rollback;

select pgq.ticker('nosuch');
select pgq.ticker(null);

-- all queues: how many ticked; the paused and the external ones are left out
select pgq.create_queue('ext'), pgq.create_queue('Paused'), pgq.create_queue('other');
update pgq.queue set queue_external_ticker = true where queue_name = 'ext';
update pgq.queue set queue_ticker_paused = true where queue_name = 'Paused';
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select pgq.ticker();
select pgq.ticker('ext');
select pgq.ticker('Paused');
select pgq.ticker('other') > 0 as other;
update pgq.queue set queue_external_ticker = true where queue_name = 'Paused';
select pgq.ticker('Paused');

-- an external tick: everything is given
select pgq.ticker('ext', 100, '2001-01-01 UTC', 5000);
select tick_id, tick_time = '2001-01-01 UTC' as "time", tick_event_seq, txid_snapshot_xmax(tick_snapshot) <= txid_current() as local_snapshot
  from pgq.tick, pgq.queue where tick_queue = queue_id and queue_name = 'ext' order by tick_id;
select queue_event_seq as ext_seq, queue_tick_seq as ext_tickseq from pgq.queue where queue_name = 'ext' \gset
select pgq.seq_getval(:'ext_seq') as event_seq, pgq.seq_getval(:'ext_tickseq') as tick_seq;
-- sequences never go back
select pgq.ticker('ext', 50, '2001-01-01 UTC', 4000);
select pgq.seq_getval(:'ext_seq') as event_seq, pgq.seq_getval(:'ext_tickseq') as tick_seq;
select pgq.ticker('ext', 100, '2001-01-01 UTC', 5000);
select pgq.ticker('q', 100, now(), 1);
select pgq.ticker('Paused', 100, now(), 1);
select pgq.ticker('nosuch', 100, now(), 1);
select pgq.ticker(null, 100, now(), 1);
select pgq.ticker('ext', null, now(), 1);
\set VERBOSITY sqlstate
select pgq.ticker('ext', null, now(), 1);
\set VERBOSITY terse

-- force_tick: no tick, but so far ahead that the next call makes one
update pgq.queue set queue_ticker_max_lag = '1 h', queue_ticker_idle_period = '1 h', queue_ticker_max_count = 20;
select pgq.ticker('q') is null as no_tick;
select last_value as before from :seq \gset
select max(tick_id) as newest from pgq.tick where tick_queue = :q \gset
select pgq.force_tick('q') = :newest as newest;
select last_value - :before as ahead from :seq;
select pgq.force_tick('q') = :newest as still_newest;
select pgq.ticker('q') > :newest as tick;
select pgq.ticker('q') is null as no_more;
select pgq.force_tick('nosuch') is null as unknown, pgq.force_tick(null) is null as null;
-- not for the others, whose newest tick it tells all the same
select pgq.force_tick('ext');
select pgq.seq_getval(:'ext_seq');
select pgq.force_tick('Paused'), pgq.seq_getval(queue_event_seq) from pgq.queue where queue_name = 'Paused';

-- ids of the cluster below those of the tick: restored into another one
insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq, tick_snapshot)
values (:q, 1000000, '2001-01-01', 0, '4000000000000:4000000000000:');
do $$
begin
    perform pgq.ticker('q');
exception
    when raise_exception then
        raise notice '%', regexp_replace(sqlerrm, 'txid=\d+', 'txid=N');
end $$;
update pgq.tick set tick_snapshot = (txid_current() || ':4000000000000:')::txid_snapshot where tick_id = 1000000;
set client_min_messages = error; -- the warning has the txid
select pgq.ticker('q') > 0 as tick;
reset client_min_messages;
-- one broken queue, and none gets a tick
update pgq.tick set tick_snapshot = '4000000000000:4000000000000:' where tick_queue = :q and tick_id = (select max(tick_id) from pgq.tick where tick_queue = :q);
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
\set VERBOSITY sqlstate
select pgq.ticker();
\set VERBOSITY terse

select pgq.drop_queue(queue_name) from pgq.queue;
