-- pgq.subscription is a view that can be written to as the table that it was.
\set VERBOSITY terse
-- texts show the batch's id
alter sequence pgq.batch_id_seq restart 2000000;
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select queue_id as q from pgq.queue \gset
select pgq.ticker('q'), pgq.ticker('q'), pgq.ticker('q');
insert into pgq.consumer (co_name) values ('c'), ('d'), ('e');
select co_id as c from pgq.consumer where co_name = 'c' \gset
select co_id as d from pgq.consumer where co_name = 'd' \gset
select co_id as e from pgq.consumer where co_name = 'e' \gset

-- defaults, and what comes back
insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick) values (:q, :c, 1)
    returning sub_id is not null as sub_id, sub_queue = :q as queue, sub_last_tick, sub_active = now() as active, sub_batch, sub_next_tick;
select sub_id as sub from pgq.subscription \gset
insert into pgq.subscription (sub_id, sub_queue, sub_consumer, sub_last_tick, sub_active, sub_batch, sub_next_tick)
    values (:sub, :q, :d, null, '2001-01-01', null, null) returning sub_id = :sub as same_sub_id;
select c.co_name, s.sub_id = :sub as sub_id, s.sub_last_tick, s.sub_active = '2001-01-01' as long_ago
  from pgq.subscription s, pgq.consumer c where co_id = sub_consumer order by 1;
insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick) values (:q, :c, 1);
insert into pgq.subscription (sub_queue, sub_consumer) values (0, :c);
insert into pgq.subscription (sub_queue, sub_consumer) values (:q, 0);
insert into pgq.subscription (sub_queue, sub_consumer) values (:q, null);
insert into pgq.subscription (sub_queue, sub_consumer, sub_active) values (:q, :e, null);

-- a batch opened by hand is one like others
insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick, sub_next_tick, sub_batch) values (:q, :e, 2, 3, nextval('pgq.batch_id_seq'))
    returning sub_batch as b \gset
select queue_name, consumer_name, prev_tick_id, tick_id from pgq.get_batch_info(:b);
select pgq.next_batch('q', 'e') = :b as same;
update pgq.subscription set sub_last_tick = sub_next_tick, sub_next_tick = null, sub_batch = null, sub_active = now() where sub_batch = :b;
select last_tick, current_batch from pgq.get_consumer_info('q', 'e');
update pgq.subscription set sub_batch = null where sub_batch = :b returning 1;
select pgq.finish_batch(:b);

-- as cooperative consuming does it: the main consumer's batch moves to a subconsumer
select pgq.next_batch('q', 'c') as b \gset
update pgq.subscription set sub_last_tick = sub_next_tick, sub_next_tick = null, sub_batch = null where sub_consumer = :c and sub_batch = :b
    returning sub_last_tick;
update pgq.subscription set sub_batch = :b, sub_last_tick = 1, sub_next_tick = 2, sub_active = now() where sub_consumer = :d returning sub_next_tick;
select consumer_name, prev_tick_id, tick_id from pgq.get_batch_info(:b);
select consumer_name, last_tick, current_batch = :b as has_it, next_tick from pgq.get_consumer_info('q');
-- taken over: the same id, of another registration
delete from pgq.subscription where sub_consumer = :d returning sub_batch = :b as batch;
select pgq.finish_batch(:b);
insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick, sub_next_tick, sub_batch) values (:q, :d, 1, 2, :b);
update pgq.subscription set sub_batch = null, sub_next_tick = null, sub_last_tick = null where sub_consumer = :d;
update pgq.subscription set sub_batch = :b, sub_last_tick = 1, sub_next_tick = 2 where sub_consumer = :e;
select consumer_name from pgq.get_batch_info(:b);
select pgq.finish_batch(:b);
select consumer_name, last_tick, current_batch from pgq.get_consumer_info('q');

-- ids too, many rows, none
update pgq.subscription set sub_id = 77 where sub_consumer = :e;
select sub_id from pgq.subscription where sub_consumer = :e;
update pgq.subscription set sub_active = '2002-02-02' where sub_queue = :q;
select count(*) from pgq.subscription where sub_active = '2002-02-02';
update pgq.subscription set sub_last_tick = 1 where sub_consumer = 0 returning 1;
update pgq.subscription set sub_last_tick = sub_last_tick, sub_active = null where sub_consumer = :c returning sub_active is not null as active;

-- twice in one transaction, and rolled back
begin;
update pgq.subscription set sub_last_tick = 3 where sub_consumer = :c;
update pgq.subscription set sub_last_tick = sub_last_tick + 1 where sub_consumer = :c;
savepoint s;
update pgq.subscription set sub_last_tick = 1 where sub_consumer = :c;
rollback to s;
select sub_last_tick from pgq.subscription where sub_consumer = :c;
rollback;
select sub_last_tick from pgq.subscription where sub_consumer = :c;

-- rows can be locked
begin;
select sub_last_tick from pgq.subscription where sub_consumer = :c for update;
select s.sub_last_tick from pgq.consumer c join pgq.subscription s on s.sub_consumer = c.co_id where c.co_name = 'c' for update of s, c;
commit;

-- a reader may not write, an admin may
set role pgq_reader;
select count(*) from pgq.subscription;
update pgq.subscription set sub_last_tick = 1;
delete from pgq.subscription;
set role pgq_admin;
update pgq.subscription set sub_last_tick = 2 where sub_consumer = :c returning sub_last_tick;
delete from pgq.subscription where sub_consumer = :e returning sub_id;
insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick) values (:q, :e, 1) returning sub_last_tick;
reset role;

delete from pgq.subscription;
select count(*) from pgq.subscription;
delete from pgq.consumer;
select pgq.drop_queue('q');
