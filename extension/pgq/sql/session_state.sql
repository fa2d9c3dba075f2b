-- What a session knows of queues and tables, while both change under it, in
-- the middle of a transaction and back again.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only
set client_min_messages = warning;
alter sequence pgq.queue_queue_id_seq restart 820;
select pgq.create_queue('q');
create schema session_state;
set search_path = session_state;
create function take() returns setof text language sql as $$
    select concat_ws(' | ', tableoid::regclass, ev_type, ev_data) from pgq.event_template order by ev_id $$;
create function e(data text, queue text default 'q') returns boolean language sql as $$ select pgq.insert_event(queue, 't', data) > 0 $$;
-- tells an error and goes on
create function try(command text) returns text language plpgsql as $$
begin
    execute command;
    return 'ok';
exception
    when others then
        return sqlstate || ' ' || sqlerrm;
end;
$$;

-- a queue made anew in a transaction, and not after all
begin;
select e('old');
savepoint a;
select pgq.drop_queue('q'), pgq.create_queue('q');
select e('new');
select take();
rollback to a;
select e('old again');
select take();
savepoint a;
select pgq.drop_queue('q');
select try($$ select e('none') $$);
rollback to a;
select e('old still');
rollback;
begin;
select e('old');
select pgq.drop_queue('q'), pgq.create_queue('q');
select e('new');
commit;
select e('new too');
select take();
delete from pgq.event_template;

-- rotation by the writer itself
update pgq.queue set queue_rotation_period = '0', queue_switch_time = '2001-01-01';
begin;
select e('1: table 0');
savepoint a;
select pgq.maint_rotate_tables_step1('q');
select e('2: table 1');
rollback to a;
select e('3: table 0');
savepoint a;
select pgq.maint_rotate_tables_step1('q');
release a;
select e('4: table 1');
commit;
select e('5: table 1');
select take();
delete from pgq.event_template;

-- settings by hand
begin;
select e('1');
savepoint a;
update pgq.queue set queue_disable_insert = true;
select try($$ select e('disabled') $$);
rollback to a;
select e('2');
savepoint a;
update pgq.queue set queue_name = 'other';
select try($$ select e('renamed') $$);
select e('3', 'other');
rollback to a;
select try($$ select e('none', 'other') $$);
select e('4');
savepoint a;
alter table pgq.event_822_1 rename to moved;
create table pgq.event_822_1 (like pgq.moved including defaults, more int default 5);
select e('5: in another table');
select ev_data, more from pgq.event_822_1;
rollback to a;
select e('6');
savepoint a;
alter schema pgq rename to pgq2;
select try($$ select pgq2.insert_event('q', 't', 'no schema') $$) like '3F000%' as no_schema;
rollback to a;
select e('7');
savepoint a;
alter sequence pgq.event_822_id_seq rename to moved;
create sequence pgq.event_822_id_seq start 1000;
select pgq.insert_event('q', 't', '8: other ids');
rollback to a;
select pgq.insert_event('q', 't', '9') < 1000 as own_ids;
commit;
select take();
delete from pgq.event_template;

-- the relation of queues is rewritten: its file is shorter than it was
select count(pgq.create_queue('n' || i)) from generate_series(1, 40) i;
update pgq.queue set queue_ticker_paused = false where queue_name = 'q';
select pg_relation_size('pgq.queue') > 8192 as pages;
select e('1');
select count(pgq.drop_queue('n' || i)) from generate_series(1, 40) i;
begin;
select e('2');
cluster pgq.queue using queue_pkey;
select e('3');
savepoint a;
alter table pgq.queue add column more int, alter queue_ntables type bigint;
select e('4');
rollback to a;
select e('5');
commit;
select count(*) from take();
delete from pgq.event_template;

-- rights that come and go
create role session_state_r;
grant usage on schema session_state, pgq to session_state_r;
set role session_state_r;
select try($$ select e('none') $$);
reset role;
grant pgq_writer to session_state_r;
set role session_state_r;
select e('member');
reset role;
revoke pgq_writer from session_state_r;
set role session_state_r;
select try($$ select e('none') $$);
reset role;
select take();
delete from pgq.event_template;

-- a captured table: what is changed is changed for the next event, and back
create table t (id int primary key, a text);
create trigger x after insert or update on t for each row execute function pgq.logutriga('q');
begin;
insert into t values (1, 'a');
savepoint a;
alter table t rename a to b;
alter table t rename to t2;
alter table t2 drop constraint t_pkey, add primary key (b);
insert into t2 values (2, 'b');
rollback to a;
insert into t values (3, 'c');
savepoint a;
alter table t alter a type int using id;
update t set a = 7 where id = 1;
rollback to a;
update t set a = 'z' where id = 1;
savepoint a;
drop trigger x on t;
create trigger x after insert or update on t for each row execute function pgq.sqltriga('q', 'ignore=a');
insert into t values (4, 'd');
rollback to a;
insert into t values (5, 'e');
savepoint a;
alter table t disable trigger x;
insert into t values (6, 'f');
rollback to a;
insert into t values (7, 'g');
savepoint a;
drop table t;
create table t (other int primary key);
create trigger x after insert or update on t for each row execute function pgq.jsontriga('q');
insert into t values (8);
rollback to a;
insert into t values (9, 'i');
savepoint a;
alter schema session_state rename to session_state2;
insert into session_state2.t values (10, 'j');
rollback to a;
commit;
select take();
delete from pgq.event_template;
-- the function that events are put in by, replaced
drop trigger x on t;
create trigger x after insert on t for each row execute function pgq.logutriga('q', 'ev_extra3=a');
begin;
insert into t values (20, 'own');
alter function pgq.insert_event(text, text, text, text, text, text, text) rename to own_insert_event;
create function pgq.insert_event(text, text, text, text, text, text, text) returns bigint language sql as $$
    select pgq.own_insert_event($1, $2, 'replaced: ' || $3, $4, $5, $6, $7) $$;
insert into t values (21, 'wrapped');
select take();
rollback;
insert into t values (22, 'own again');
select take();
delete from pgq.event_template;

-- savepoints and the limit of a transaction
update pgq.queue set queue_per_tx_limit = 3;
begin;
select e('1');
savepoint a;
select e('2');
release a;
select e('3');
savepoint a;
select e('4');
rollback to a;
select try($$ insert into t values (30, '5') $$);
rollback;
begin;
insert into t values (30, '1'), (31, '2'), (32, '3');
commit;
begin;
insert into t values (33, '1'), (34, '2'), (35, '3'), (36, '4');
rollback;
update pgq.queue set queue_per_tx_limit = null;
select take();
delete from pgq.event_template;
-- every statement in a subtransaction of its own, every other one undone
do $$ begin
    for i in 1 .. 100 loop
        begin
            insert into t values (100 + i, i);
            perform pgq.insert_event('q', 'even', i::text);
            if i % 2 = 1 then
                raise exception 'odd';
            end if;
        exception
            when raise_exception then
                perform pgq.insert_event('q', 'odd', i::text);
        end;
    end loop;
end $$;
select ev_type, count(*), count(distinct ev_txid) from pgq.event_template group by 1 order by 1;
delete from pgq.event_template;

-- cursors: events come with the rows; what is not fetched is not there
select pgq.maint_rotate_tables_step2();
begin;
declare c cursor for select i, e('cursor ' || i) from generate_series(1, 9) i;
fetch 2 from c;
select count(*) from take();
update pgq.queue set queue_switch_time = '2001-01-01';
select pgq.maint_rotate_tables_step1('q');
fetch 1 from c;
savepoint a;
fetch 1 from c;
rollback to a;
update pgq.queue set queue_disable_insert = true;
savepoint a;
fetch 1 from c;
rollback to a;
update pgq.queue set queue_disable_insert = false;
select e('after');
commit;
select take();
delete from pgq.event_template;
-- PostgreSQL runs it from the start when the transaction ends
begin;
declare c cursor with hold for select i, e('held ' || i) from generate_series(1, 3) i;
fetch 1 from c;
commit;
select take();
fetch all from c;
close c;
delete from pgq.event_template;

-- two and ten queues in one transaction, in one statement
select count(pgq.create_queue('m' || i)) from generate_series(0, 9) i;
create table two (id int primary key);
create trigger a after insert on two for each row execute function pgq.logutriga('m0');
create trigger b after insert on two for each row execute function pgq.jsontriga('m1');
begin;
insert into two select generate_series(1, 3);
savepoint a;
insert into two select generate_series(4, 6);
rollback to a;
select count(e('many', 'm' || i % 10)) from generate_series(1, 100) i;
select count(e('few', 'm' || i % 2)), count(pgq.insert_events('m' || i % 10, array['x', 'y'], null)) from generate_series(1, 10) i;
commit;
select q.queue_name, count(*), min(e.ev_id) as first, max(e.ev_id) as last, count(distinct e.ev_txid) as tx
  from pgq.event_template e join pgq.queue q on e.tableoid::regclass::text like q.queue_data_pfx || '\__' group by 1 order by 1;
select count(pgq.drop_queue('m' || i)) from generate_series(0, 9) i;
select try('insert into two values (7)');

drop schema session_state cascade;
drop owned by session_state_r;
drop role session_state_r;
select pgq.drop_queue('q');
