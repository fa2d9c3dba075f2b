-- Storage that stays flat: maint_position_logs, maint_compact_tables.
\set VERBOSITY terse
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select queue_id as q from pgq.queue \gset
select pgq.register_consumer('q', 'busy'), pgq.register_consumer('q', 'idle'), pgq.register_consumer('q', 'open'), pgq.register_consumer('q', 'gone');
select pgq.ticker('q') > 0 as tick;
select pgq.next_batch('q', 'open') as open \gset
\set ops 'select func_name from pgq.maint_operations() where func_name like ''pgq.maint%'';'
create function logs(out cur int, out log_0 boolean, out log_1 boolean, out small boolean) as $$
    select coalesce((select s.cur from pgq.position_state s), 0), pg_relation_size('pgq.position_0') > 0, pg_relation_size('pgq.position_1') > 0,
           pg_relation_size('pgq.position_0') + pg_relation_size('pgq.position_1') < 1048576;
$$ language sql;

-- nothing to do yet
select * from logs();
:ops
select pgq.maint_position_logs();
select * from logs();

-- many batches: the ticks stay, the log grows
create procedure work(batches int) as $$
    -- moved back each time, so that a few ticks will do
declare
    first bigint := (select min(tick_id) from pgq.tick);
    b bigint;
begin
    for i in 1 .. batches loop
        perform pgq.register_consumer_at('q', 'busy', first);
        b := pgq.next_batch('q', 'busy');
        perform pgq.finish_batch(b);
    end loop;
end;
$$ language plpgsql;
-- as many rows, but quickly
create function fill() returns bigint as $$
    with log_0 as (
        insert into pgq.position_0 (reg_id, pos_seq, last_tick)
        select r.reg_id, p.pos_seq + n, p.last_tick
          from pgq.registration r, pgq.consumer c, pgq._position(r.reg_id) p, generate_series(1, 20000) n
         where c.co_id = r.sub_consumer and c.co_name = 'busy' and (select cur from logs()) = 0
        returning 1
    ), log_1 as (
        insert into pgq.position_1 (reg_id, pos_seq, last_tick)
        select r.reg_id, p.pos_seq + n, p.last_tick
          from pgq.registration r, pgq.consumer c, pgq._position(r.reg_id) p, generate_series(1, 20000) n
         where c.co_id = r.sub_consumer and c.co_name = 'busy' and (select cur from logs()) = 1
        returning 1
    )
    select (select count(*) from log_0) + (select count(*) from log_1);
$$ language sql;
call work(6000);
select pgq.unregister_consumer('q', 'gone');
select * from logs();
:ops
-- the other log is empty already, so this one is left at once
select pgq.maint_position_logs();
select * from logs();
-- positions are found in the old log, and go on in the new one
select consumer_name, last_tick, current_batch = :open as open, next_tick from pgq.get_consumer_info('q');
select tick_id from pgq.get_batch_info(:open);
call work(1);
select * from logs();
-- the next call empties the old one
select pgq.maint_position_logs();
select * from logs();
select pgq.maint_position_logs();
select consumer_name, last_tick, current_batch = :open as open, next_tick from pgq.get_consumer_info('q');
select count(*) as carried, count(distinct reg_id) as consumers from pgq.position_1 where reg_id <> (select reg_id from pgq.registration, pgq.consumer where co_id = sub_consumer and co_name = 'busy');
select pgq.next_batch('q', 'open') = :open as same;
select pgq.finish_batch(:open);
:ops
-- and back
call work(1);
select fill();
select pgq.maint_position_logs(), pgq.maint_position_logs();
select * from logs();
select consumer_name, last_tick, current_batch from pgq.get_consumer_info('q');
-- in one transaction with work, rolled back
begin;
call work(1);
select fill();
select pgq.maint_position_logs(), pgq.maint_position_logs();
select * from logs();
select pgq.finish_batch(pgq.next_batch('q', 'idle'));
rollback;
select consumer_name, last_tick, current_batch from pgq.get_consumer_info('q');
select pgq.finish_batch(pgq.next_batch('q', 'idle'));

-- maint_compact_tables: only what is large and mostly empty
select pgq.maint_compact_tables();
insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq, tick_snapshot)
select :q, 1000 + n, '2001-01-01', n, '1:1:' from generate_series(1, 20000) n;
insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_data)
select '2001-01-01', :q, n, now(), 1, repeat('x', 100) from generate_series(1, 10000) n;
create function sizes(out tick boolean, out retry boolean) as $$
    select pg_relation_size('pgq.tick') >= 1048576, pg_relation_size('pgq.retry_queue') >= 1048576;
$$ language sql;
:ops
select pgq.maint_compact_tables();
select * from sizes();
delete from pgq.tick where tick_id > 1010;
delete from pgq.retry_queue where ev_id > 10;
create temp table kept_ticks as select tick_queue, tick_id, tick_time, tick_snapshot::text, tick_event_seq from pgq.tick;
create temp table kept_retries as select * from pgq.retry_queue;
select pgq.maint_compact_tables();
select * from sizes();
:ops
select count(*) from (select tick_queue, tick_id, tick_time, tick_snapshot::text, tick_event_seq from pgq.tick except select * from kept_ticks) x;
select (select count(*) from pgq.tick) = (select count(*) from kept_ticks) as ticks, (select count(*) from pgq.retry_queue) as retries;
select count(*) from (select * from pgq.retry_queue except select * from kept_retries) x;
select consumer_name, lag is not null as has_tick from pgq.get_consumer_info('q');
-- without a row left
insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_data)
select '2001-01-01', :q, n, now(), 2, repeat('x', 100) from generate_series(1, 10000) n;
delete from pgq.retry_queue;
select pgq.maint_compact_tables();
select * from sizes();

drop procedure work;
drop function fill, logs, sizes;
select pgq.drop_queue('q', true);
select cur from pgq.position_state;
truncate pgq.position_0, pgq.position_1, pgq.position_state;
