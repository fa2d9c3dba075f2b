-- insert_events: many events at once; and event tables that somebody changed.
\set VERBOSITY terse
alter sequence pgq.queue_queue_id_seq restart 810;
select pgq.create_queue('q'), pgq.create_queue('q2');
create view ev as select ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.event_810 order by ev_id;

select pgq.insert_events('q', array['a', 'b', null], array['1', null, '3']);
select pgq.insert_events('q', array['c'], array['4'], array['e1'], array['e2'], array['e3'], array['e4']);
select pgq.insert_events('q', null, array['5', '6'], ev_extra3 => array['x', 'y']);
select pgq.insert_events('q', array[['d', 'e'], ['f', 'g']], null);
select * from ev;
begin;
select pgq.insert_events('q', array['t'], array['time']);
select ev_time = now() as now, ev_txid = txid_current() as own_txid, ev_owner, ev_retry from pgq.event_810 where ev_data = 'time';
commit;
-- none
select pgq.insert_events('q', null, null), pgq.insert_events('q', '{}', '{}'), pgq.insert_events('q', '{}', null);
select last_value from pgq.event_810_id_seq;
-- order and ids of one statement
begin;
select pgq.insert_events('q', array_agg('n'::text), array_agg(n::text order by n)) from generate_series(1, 3000) n;
select count(*), count(distinct ev_id), count(distinct ev_txid), max(ev_id) - min(ev_id) as span,
       bool_and(ev_txid = txid_current()) as txid
  from pgq.event_810 where ev_type = 'n';
select count(*) as misplaced from (select ev_data::int <> row_number() over (order by ev_id) as m from pgq.event_810 where ev_type = 'n') x where m;
rollback;
-- found by the index
set enable_seqscan = off;
select count(pgq.insert_events('q', array_fill('i'::text, array[700]), null));
select count(*) from pgq.event_810 e where ev_txid = (select max(ev_txid) from pgq.event_810);
reset enable_seqscan;

-- errors
select pgq.insert_events(null, array['a'], array['b']);
select pgq.insert_events('nosuch', array['a'], array['b']);
select pgq.insert_events('nosuch', null, null);
select pgq.insert_events('q', array['a'], array['b', 'c']);
select pgq.insert_events('q', null, array['a'], null, null, null, array['b', 'c']);
update pgq.queue set queue_disable_insert = true;
select pgq.insert_events('q', array['a'], array['b']);
set session_replication_role = replica;
select pgq.insert_events('q', array['a'], array['b']);
reset session_replication_role;
update pgq.queue set queue_disable_insert = false, queue_per_tx_limit = 3;
select pgq.insert_events('q', array['a', 'b', 'c', 'd'], null);
begin;
select pgq.insert_events('q', array['a', 'b'], null);
select pgq.insert_event('q', 'c', 'third') > 0 as ok;
select pgq.insert_events('q2', array['a', 'b', 'c'], null);
select pgq.insert_events('q', array['d'], null);
rollback;
update pgq.queue set queue_per_tx_limit = null;

-- large ones
select pgq.insert_events('q', array['big', 'big'], array[repeat('abc', 400000), (select string_agg(md5(n::text), '') from generate_series(1, 20000) n)]);
select pgq.insert_event('q', 'big', (select string_agg(md5(n::text), '') from generate_series(1, 20000) n)) > 0 as ok;
select length(ev_data), md5(ev_data) from ev where ev_type = 'big';
-- straight out of another table's toast
create table big as select ev_data as data from ev where ev_type = 'big';
select count(pgq.insert_event('q', 'copy', data)) from big;
select count(pgq.insert_events('q', array['copy'], array[data])) from big;
drop table big;
select length(ev_data), md5(ev_data), count(*) from ev where ev_type = 'copy' group by 1, 2 order by 1, 2;

-- what else hangs on an event table is served: columns, indexes, checks, triggers
truncate pgq.event_810_0;
create index on pgq.event_810_0 (ev_type, ev_data);
create unique index on pgq.event_810_0 (ev_extra1);
set enable_seqscan = off;
select pgq.insert_event('q', 'two', 'indexes') > 0 as ok, pgq.insert_events('q', array['two'], array['more']);
select ev_data from pgq.event_810_0 where ev_type = 'two' order by ev_data;
reset enable_seqscan;
select pgq.insert_event('q', 'u', '', 'same', null, null, null) > 0 as ok;
\set VERBOSITY sqlstate
select pgq.insert_event('q', 'u', '', 'same', null, null, null) > 0 as ok;
select pgq.insert_events('q', array['u', 'u'], null, array['other', 'other']);
\set VERBOSITY terse
create index partial on pgq.event_810_0 (lower(ev_data)) where ev_type = 'p';
select pgq.insert_event('q', 'p', 'PART') > 0 as ok, pgq.insert_events('q', array['p'], array['PARTS']);
set enable_seqscan = off;
select ev_data from pgq.event_810_0 where ev_type = 'p' and lower(ev_data) in ('part', 'parts') order by lower(ev_data);
reset enable_seqscan;
drop index pgq.partial;
alter table pgq.event_810_0 add constraint no_x check (ev_type <> 'x');
\set VERBOSITY sqlstate
select pgq.insert_event('q', 'x', '');
select pgq.insert_events('q', array['x'], null);
\set VERBOSITY terse
alter table pgq.event_810_0 drop constraint no_x;
create function loud() returns trigger as $$ begin new.ev_extra4 := 'loud'; return new; end $$ language plpgsql;
create trigger loud before insert on pgq.event_810_0 for each row execute function loud();
select pgq.insert_event('q', 'l', '1') > 0 as ok, pgq.insert_events('q', array['l', 'l'], array['2', '3']);
drop trigger loud on pgq.event_810_0;
select pgq.insert_event('q', 'l', '4') > 0 as ok;
select ev_data, ev_extra4 from ev where ev_type = 'l';
alter table pgq.event_template add column ev_more text default 'more';
select pgq.insert_event('q', 'm', '1') > 0 as ok, pgq.insert_events('q', array['m', 'm'], array['2', '3']);
select ev_data, ev_more from pgq.event_810 where ev_type = 'm' order by ev_id;
alter table pgq.event_template drop column ev_more;
select pgq.insert_event('q', 'm', '4') > 0 as ok, pgq.insert_events('q', array['m'], array['5']);
select ev_data from ev where ev_type = 'm';

-- many queues in one transaction, savepoints
select count(pgq.create_queue('many' || n)) from generate_series(1, 20) n;
begin;
select count(pgq.insert_event('many' || (n % 20 + 1), 't', n::text)) from generate_series(1, 200) n;
savepoint a;
select count(pgq.insert_event('many' || (n % 20 + 1), 'lost', n::text)) from generate_series(1, 200) n;
rollback to a;
savepoint b;
select count(pgq.insert_event('many' || (n % 20 + 1), 'kept', n::text)) from generate_series(1, 20) n;
release b;
select pgq.drop_queue('many7');
select pgq.insert_event('many7', 't', 'd');
rollback to a;
select pgq.insert_event('many7', 'kept', 'd') > 0 as ok;
commit;
select ev_type, count(*), count(distinct tableoid) as tables, count(distinct ev_txid) as tx from pgq.event_template where ev_type in ('kept', 'lost', 't') group by 1 order by 1;
select count(pgq.drop_queue(queue_name)) from pgq.queue where queue_name like 'many%';
select pgq.insert_event('many1', 't', 'd');
select pgq.create_queue('many1');
select pgq.insert_event('many1', 't', 'a new one of this name') > 0 as ok;
select pgq.drop_queue('many1');

-- a queue's row changed by hand, renamed, and a table renamed under it
update pgq.queue set queue_name = 'renamed' where queue_name = 'q2';
select pgq.insert_event('q2', 't', 'd');
select pgq.insert_event('renamed', 't', 'd') > 0 as ok;
update pgq.queue set queue_cur_table = 1 where queue_name = 'renamed';
select pgq.insert_event('renamed', 't', 'table 1') > 0 as ok;
select tableoid::regclass, ev_data from pgq.event_811 order by ev_id;
alter table pgq.event_811_1 rename to elsewhere;
\set VERBOSITY sqlstate
select pgq.insert_event('renamed', 't', 'd');
\set VERBOSITY terse
alter table pgq.elsewhere rename to event_811_1;
select pgq.insert_event('renamed', 't', 'd') > 0 as ok;
vacuum full pgq.queue;
select pgq.insert_event('renamed', 't', 'd') > 0 as ok, pgq.insert_event('q', 't', 'd') > 0 as ok;
begin read only;
select pgq.insert_event('renamed', 't', 'd');
rollback;

drop view ev;
drop function loud;
select pgq.drop_queue('q'), pgq.drop_queue('renamed');
