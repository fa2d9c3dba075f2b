-- Who may do what.
\set VERBOSITY terse
select p.oid::regprocedure as function,
       has_function_privilege('public', p.oid, 'execute') as public,
       has_function_privilege('pgq_reader', p.oid, 'execute') as reader,
       has_function_privilege('pgq_writer', p.oid, 'execute') as writer,
       has_function_privilege('pgq_admin', p.oid, 'execute') as admin
  from pg_proc p
 where p.pronamespace = 'pgq'::regnamespace and p.proname not like '\_%'
 order by p.oid::regprocedure::text collate "C";
-- the internal ones are for nobody, but for some that run with their caller's
-- rights: those of the triggers, and this one
select p.oid::regprocedure as function
  from pg_proc p
 where p.pronamespace = 'pgq'::regnamespace and p.proname like '\_%'
   and p.proname !~ '^_(trigger|row|expression|urlencode)' and has_function_privilege('public', p.oid, 'execute');

create role regress_pgq_nobody;
create role regress_pgq_reader in role pgq_reader;
create role regress_pgq_writer in role pgq_writer;
create role regress_pgq_admin in role pgq_admin;

-- an admin makes queues; texts show the ids
alter sequence pgq.queue_queue_id_seq restart 900;
alter sequence pgq.batch_id_seq restart 3000000;
set role regress_pgq_admin;
select pgq.create_queue('q');
select pgq.set_queue_config('q', 'ticker_max_lag', '0'), pgq.set_queue_config('q', 'ticker_idle_period', '0');
update pgq.queue set queue_per_tx_limit = 100, queue_extra_maint = '{}';
reset role;
select queue_data_pfx as pfx, queue_event_seq as seq, queue_tick_seq as tickseq from pgq.queue \gset
\set pfx_0 :pfx _0
\set pfx_2 :pfx _2

-- anybody may look
set role regress_pgq_nobody;
select queue_name, ev_new from pgq.get_queue_info();
select queue_name from pgq.get_queue_info('q');
select * from pgq.get_consumer_info();
select * from pgq.get_consumer_info('q');
select * from pgq.get_consumer_info('q', 'c');
select count(*) > 0 as rotation from pgq.get_rotation_info('q');
select pgq.version() is not null as version, pgq.quote_fqname('a.b') as quote, pgq.seq_getval(:'seq') as seq_getval;
select (select count(*) from pgq.queue) as queues, (select count(*) from pgq.tick) as ticks, (select count(*) from pgq.consumer) as consumers,
       (select count(*) from pgq.subscription) as subscriptions;
select last_value from :tickseq;
-- and no more
select pgq.insert_event('q', 't', 'd');
select pgq.register_consumer('q', 'c');
select pgq.next_batch('q', 'c');
select pgq.create_queue('mine');
select pgq.ticker();
select pgq.seq_setval(:'seq', 1);
select count(*) from :pfx;
select count(*) from pgq.event_template;
select count(*) from pgq.retry_queue;
select count(*) from pgq.position_0;
select count(*) from pgq.registration;
insert into pgq.consumer (co_name) values ('c');
update pgq.queue set queue_disable_insert = true;
delete from pgq.tick;
select nextval(:'seq');
create table pgq.mine (a int);
select pgq._position(1);

-- a writer produces
set role regress_pgq_writer;
select pgq.insert_event('q', 't', 'written'), pgq.insert_event('q', 't', 'd', '1', '2', '3', '4');
begin isolation level repeatable read;
select pgq.insert_event('q', 't', 'in one snapshot');
select pgq.current_event_table('q') = :'pfx' || '_0' as cur;
commit;
select pgq.current_event_table('q') = :'pfx' || '_0' as cur;
select pgq.register_consumer('q', 'c');
select pgq.next_batch('q', 'c');
select pgq.ticker('q');
select pgq.insert_event_raw('q', null, null, null, null, null, null, null, null, null, null);
insert into :pfx_0 (ev_time) values (now());
select count(*) from :pfx_0;
select nextval(:'seq');

-- a reader consumes
set role regress_pgq_reader;
select pgq.register_consumer('q', 'c'), pgq.register_consumer_at('q', 'c', 1);
select pgq.force_tick('q');
select pgq.insert_event('q', 't', 'd');
select pgq.current_event_table('q');
select pgq.ticker('q');
reset role; select pgq.ticker('q'); set role regress_pgq_reader;
select pgq.next_batch('q', 'c') as b \gset
select cur_tick_id from pgq.next_batch_info('q', 'c');
select cur_tick_id from pgq.next_batch_custom('q', 'c', null, 1, null);
select cur_tick_id from pgq.next_batch_upto('q', 'c', 10);
select tick_id from pgq.get_batch_info(:b);
select ev_data from pgq.get_batch_events(:b);
begin;
select ev_data from pgq.get_batch_cursor(:b, 'cur', 1);
select ev_data from pgq.get_batch_cursor(:b, 'cur2', 1, 'ev_id > 1');
commit;
select pgq.batch_event_sql(:b) is not null as sql, (select count(*) from pgq.batch_event_tables(:b)) as tables;
select pgq.find_tick_helper(1, 1, now(), 1, 1, null) is not null as helper;
select pgq.event_retry(:b, 1, 0), pgq.event_retry(:b, 1, now()), pgq.batch_retry(:b, 0);
select pgq.finish_batch(:b);
select pgq.finish_batch(:b);
select pgq.event_retry_raw('q', 'c', now(), 1, now(), 0, null, null, null, null, null, null);
select pgq.maint_retry_events();
select count(*) from pgq.retry_queue;
insert into pgq.subscription (sub_queue, sub_consumer) select queue_id, co_id from pgq.queue, pgq.consumer;
delete from :pfx_0;
select pgq.drop_queue('q');

-- an admin runs it all
set role regress_pgq_admin;
select pgq.maint_retry_events();
select pgq.insert_event_raw('q', 100, now(), null, null, 't', 'd', null, null, null, null);
begin isolation level repeatable read;
select pgq.insert_event_raw('q', 101, now(), null, null, 't', 'd', null, null, null, null);
commit;
select pgq.event_retry_raw('q', 'c', now(), 77, now(), 0, null, null, null, null, null, null);
begin;
select pgq.current_event_table('q') as cur \gset
copy :cur (ev_time, ev_type, ev_data) from stdin;
2001-01-01	copy	one
\.
commit;
select pgq.ticker('q') > 0 as tick, pgq.ticker() as ticks;
select queue_name, due from pgq.ticker_state();
select pgq.tick_if('q', 0);
select pgq.next_batch('q', 'c') as b \gset
select count(*) from pgq.get_batch_events(:b);
select pgq.finish_batch(:b);
update pgq.queue set queue_switch_time = queue_switch_time - interval '1 d';
select func_name, func_arg from pgq.maint_operations() where func_name <> 'vacuum';
select pgq.maint_rotate_tables_step1('q');
select pgq.maint_rotate_tables_step2();
select pgq.maint_position_logs(), pgq.maint_compact_tables();
select count(*) >= 0 as vacuum from pgq.maint_tables_to_vacuum();
select queue_cur_table from pgq.queue;
select pgq.grant_perms('q');
select pgq.upgrade_schema();
select count(*) from pgq.retry_queue;
update pgq.retry_queue set ev_retry_after = now();
truncate :pfx_2;
-- but for what is the owner's
delete from :pfx_0;
\set VERBOSITY sqlstate
select pgq.tune_storage('q');
\set VERBOSITY terse
select pgq.seq_setval(:'seq', 1000000);
update pgq.position_0 set last_tick = 1;
delete from pgq.event_table;
select pgq.unregister_consumer('q', 'c');
select pgq.drop_queue('q');
reset role;

-- a function of ours is not led astray by the caller's path or objects
create schema regress_pgq_trap;
grant all on schema regress_pgq_trap to public;
set role regress_pgq_writer;
create function regress_pgq_trap.now() returns timestamptz as $$ begin raise exception 'trapped'; end $$ language plpgsql;
create function regress_pgq_trap.nextval(regclass) returns bigint as $$ begin raise exception 'trapped'; end $$ language plpgsql;
create function regress_pgq_trap.eq(text, text) returns boolean as $$ begin raise exception 'trapped'; end $$ language plpgsql;
create operator regress_pgq_trap.= (function = regress_pgq_trap.eq, leftarg = text, rightarg = text);
grant execute on all functions in schema regress_pgq_trap to public;
reset role;
set search_path = regress_pgq_trap, pg_catalog;
select pgq.create_queue('q'), pgq.register_consumer('q', 'c'), pgq.insert_event('q', 't', 'd');
update pgq.queue set queue_ticker_max_lag = '0'::pg_catalog.interval;
select pgq.ticker('q');
select pgq.next_batch('q', 'c') as b \gset
select ev_data from pgq.get_batch_events(:b);
select pgq.event_retry(:b, 1, 0), pgq.batch_retry(:b, 0), pgq.finish_batch(:b);
select pgq.force_tick('q'), pgq.current_event_table('q') is not null as cur;
select queue_name from pgq.get_consumer_info('q');
select pgq.drop_queue('q', true);
reset search_path;
set client_min_messages = warning;
drop schema regress_pgq_trap cascade;
reset client_min_messages;
drop role regress_pgq_nobody, regress_pgq_reader, regress_pgq_writer, regress_pgq_admin;
