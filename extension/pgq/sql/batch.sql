-- next_batch*, finish_batch, get_batch_info, get_batch_events,
-- get_batch_cursor, batch_event_sql, batch_event_tables.
\set VERBOSITY terse
-- texts show the batch's id
alter sequence pgq.batch_id_seq restart 1000;
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select pgq.register_consumer('q', 'c'), pgq.register_consumer('q', 'd');
select queue_data_pfx as pfx from pgq.queue \gset

-- nothing yet: one row of NULLs, and nothing is written
select pgq.next_batch('q', 'c') is null as nothing;
select * from pgq.next_batch_info('q', 'c');
select * from pgq.next_batch_custom('q', 'c', null, null, null);
select last_seen >= '0' as seen from pgq.get_consumer_info('q', 'c');

select pgq.next_batch('nosuch', 'c');
select pgq.next_batch('q', 'nosuch');
select pgq.next_batch(null, null);
select * from pgq.next_batch_info('q', null);
select * from pgq.next_batch_custom(null, 'c', null, null, null);

-- a batch: the same one until it is finished
select pgq.insert_event('q', 't', 'one', 'x1', 'x2', 'x3', 'x4'), pgq.insert_event('q', 't', 'two');
select pgq.ticker('q');
select pgq.insert_event('q', 't', 'three');
select pgq.ticker('q');
select pgq.next_batch('q', 'c') as b \gset
select pgq.next_batch('q', 'c') = :b as same;
update pgq.subscription set sub_active = '2001-01-01' where sub_batch = :b;
select batch_id = :b as same, cur_tick_id, prev_tick_id, cur_tick_time >= prev_tick_time as times, cur_tick_event_seq, prev_tick_event_seq
  from pgq.next_batch_info('q', 'c');
select batch_id = :b as same, cur_tick_id, prev_tick_id from pgq.next_batch_custom('q', 'c', '1 day', 1000, '1 day');
select sub_active = '2001-01-01' as untouched, sub_last_tick, sub_next_tick from pgq.subscription where sub_batch = :b;
select last_tick, current_batch = :b as current, next_tick from pgq.get_consumer_info('q', 'c');
-- rolled back, it is gone; its id too
begin;
select pgq.next_batch('q', 'd') as d1 \gset
rollback;
select pgq.finish_batch(:d1);
select pgq.next_batch('q', 'd') > :d1 as another;
select pgq.next_batch('q', 'd') as d \gset

select queue_name, consumer_name, batch_start <= batch_end as times, prev_tick_id, tick_id, lag >= '0' as lag, seq_start, seq_end
  from pgq.get_batch_info(:b);
select ev_id, ev_time <= now() as "time", ev_txid is not null as txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4
  from pgq.get_batch_events(:b);
-- a batch does not change after its tick
select pgq.insert_event('q', 't', 'four');
select pgq.ticker('q');
select ev_data from pgq.get_batch_events(:b);

-- the query, for COPY; two tables for a new queue would do as well as one
select right(pgq.batch_event_sql(:b), 11) as ending;
select 'copy (select ev_id, ev_data from (' || pgq.batch_event_sql(:b) || ') x) to stdout' as copy \gset
:copy;
select count(*) > 0 as some, bool_and(t like :'pfx' || '\__') as of_the_queue from pgq.batch_event_tables(:b) t;

select pgq.finish_batch(:b);
select pgq.finish_batch(:b);
select pgq.finish_batch(null);
select pgq.finish_batch(0);
select last_tick, current_batch, next_tick from pgq.get_consumer_info('q', 'c');
select * from pgq.get_batch_info(:b);
select * from pgq.get_batch_info(null);
select * from pgq.get_batch_events(:b);
select * from pgq.get_batch_events(null);
select pgq.batch_event_sql(:b);
select pgq.batch_event_sql(null);
select pgq.batch_event_tables(:b);
select pgq.batch_event_tables(null);

-- the other consumer sees them all the same
select ev_data from pgq.get_batch_events(:d);
select pgq.finish_batch(:d);
select pgq.next_batch('q', 'd') as d \gset
select ev_data from pgq.get_batch_events(:d);
select pgq.finish_batch(:d);

-- an aborted transaction's events are never there; a subtransaction's are its own
begin;
select pgq.insert_event('q', 't', 'kept') > 0 as ok;
savepoint s; select pgq.insert_event('q', 't', 'lost') > 0 as ok; rollback to s;
savepoint s; select pgq.insert_event('q', 't', 'released') > 0 as ok; release s;
commit;
begin; select pgq.insert_event('q', 't', 'aborted') > 0 as ok; rollback;
select pgq.ticker('q');
select pgq.next_batch('q', 'c') as b \gset
select ev_data from pgq.get_batch_events(:b);
select pgq.finish_batch(:b);
select pgq.next_batch('q', 'c') as b \gset
select ev_data from pgq.get_batch_events(:b);
select pgq.finish_batch(:b);

-- events that the ticking transaction itself has put in come later, once
begin;
select pgq.insert_event('q', 't', 'before the tick') > 0 as ok;
select pgq.ticker('q') > 0 as ok;
select pgq.insert_event('q', 't', 'after the tick') > 0 as ok;
commit;
select pgq.ticker('q') > 0 as ok;
create temp table seen (batch int, ev_data text);
do $$
declare
    b bigint;
    n int := 0;
begin
    loop
        b := pgq.next_batch('q', 'c');
        exit when b is null;
        n := n + 1;
        insert into seen select n, ev_data from pgq.get_batch_events(b);
        perform pgq.finish_batch(b);
    end loop;
end $$;
select ev_data from seen;

-- get_batch_cursor
select count(pgq.insert_event('q', 't' || n % 2, 'ev' || n)) from generate_series(1, 6) n;
select pgq.ticker('q') > 0 as ok;
select pgq.next_batch('q', 'c') as b \gset
begin;
select ev_type, ev_data from pgq.get_batch_cursor(:b, 'my "Cursor', 2);
fetch from "my ""Cursor" \gset a_
fetch from "my ""Cursor" \gset b_
select :'a_ev_data' as third, :'b_ev_data' as fourth;
select name, is_scrollable, is_holdable from pg_cursors where name = 'my "Cursor';
close "my ""Cursor";
-- only declared
select * from pgq.get_batch_cursor(:b, 'c0', 0);
select * from pgq.get_batch_cursor(:b, 'c1', -5);
fetch backward from c0;
rollback;
begin;
select * from pgq.get_batch_cursor(:b, 'c0', 0);
move 6 in c0;
select ev_data from pgq.get_batch_cursor(:b, 'c1', 100);
fetch from c1;
-- a condition over the columns, order kept
select ev_data from pgq.get_batch_cursor(:b, 'c2', 100, $$ev_type = 't1'$$);
select ev_data from pgq.get_batch_cursor(:b, 'c3', 1, $$ev_type = 't1' or ev_data = 'ev2'$$);
fetch from c3 \gset c_
select :'c_ev_data' as next;
select ev_data from pgq.get_batch_cursor(:b, 'c4', 2, null);
select * from pgq.get_batch_cursor(null, 'c5', 1);
select * from pgq.get_batch_cursor(:b, null, 1);
select * from pgq.get_batch_cursor(:b, 'c5', null);
select * from pgq.get_batch_cursor(:b, 'c5', null, 'true');
select * from pgq.get_batch_cursor(null, 'c5', 1, 'true');
select count(*) as declared from pg_cursors where name ~ '^c[0-9]$';
savepoint s;
select * from pgq.get_batch_cursor(:b, 'c4', 1);
rollback to s;
\set VERBOSITY sqlstate
select * from pgq.get_batch_cursor(:b, 'c6', 1, 'nonsense');
\set VERBOSITY terse
rollback to s;
select * from pgq.get_batch_cursor(0, 'c7', 1);
commit;
-- lost with the transaction
fetch from c0;
select ev_data from pgq.get_batch_cursor(:b, 'c8', 1);
select pgq.finish_batch(:b);

-- the tick of the position is gone
delete from pgq.tick where tick_id = (select last_tick from pgq.get_consumer_info('q', 'c'));
select pgq.next_batch('q', 'c');
select lag, pending_events from pgq.get_consumer_info('q', 'c');

select pgq.drop_queue('q', true);

-- all in one transaction: its events come after its ticks
begin;
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select pgq.register_consumer('q', 'c');
select pgq.insert_event('q', 't', 'same transaction');
select pgq.ticker('q');
select pgq.next_batch('q', 'c') as b \gset
select * from pgq.get_batch_events(:b);
select pgq.finish_batch(:b);
commit;
select pgq.ticker('q');
select pgq.next_batch('q', 'c') as b \gset
select ev_data from pgq.get_batch_events(:b);
select pgq.drop_queue('q', true);
