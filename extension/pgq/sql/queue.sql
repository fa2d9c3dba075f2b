-- create_queue, drop_queue, set_queue_config, grant_perms, tune_storage.
\set VERBOSITY terse

select pgq.create_queue('q');
select pgq.create_queue('q');
select pgq.create_queue(null);
select count(*) from pgq.queue;

select queue_name, queue_ntables, queue_cur_table, queue_rotation_period, queue_switch_step1 = queue_switch_step2 as switched,
       queue_switch_time <= now() as switch_time, queue_external_ticker, queue_disable_insert, queue_ticker_paused
  from pgq.queue;
select queue_ticker_max_count, queue_ticker_max_lag, queue_ticker_idle_period, queue_per_tx_limit, queue_extra_maint from pgq.queue;
select queue_data_pfx = 'pgq.event_' || queue_id as pfx, queue_event_seq = queue_data_pfx || '_id_seq' as event_seq,
       queue_tick_seq = queue_data_pfx || '_tick_seq' as tick_seq
  from pgq.queue;
select tick_id, tick_event_seq, tick_time <= now() as tick_time, tick_queue = queue_id as queue from pgq.tick, pgq.queue;

-- what it makes, with the queue's id as N
select queue_id as qid, queue_data_pfx as pfx from pgq.queue \gset
select replace(c.relname, 'event_' || :qid, 'event_N') as name, c.relkind,
       replace((select i.inhparent::regclass::text from pg_inherits i where i.inhrelid = c.oid), 'event_' || :qid, 'event_N') as parent,
       c.reloptions, t.reloptions as toast_options
  from pg_class c
  left join pg_class t on t.oid = c.reltoastrelid
 where c.relnamespace = 'pgq'::regnamespace and c.relname like 'event\_' || :qid || '%'
 order by c.relname;
select replace(pg_get_indexdef(i.indexrelid), 'event_' || :qid, 'event_N') as index
  from pg_index i where i.indrelid::regclass::text like :'pfx' || '\_%' order by 1;
select replace(d.adrelid::regclass::text, 'event_' || :qid, 'event_N') as "table", a.attname,
       replace(pg_get_expr(d.adbin, d.adrelid), 'event_' || :qid, 'event_N') as "default"
  from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
 where d.adrelid::regclass::text like :'pfx' || '\_%' or d.adrelid = :'pfx'::regclass
 order by 1, 2;
select count(*) as constraints from pg_constraint
 where contype <> 'n' and (conrelid::regclass::text like :'pfx' || '\_%' or conrelid = :'pfx'::regclass);
select string_agg(a.attname, ' ' order by a.attnum) as columns from pg_attribute a where a.attrelid = (:'pfx' || '_0')::regclass and a.attnum > 0;
-- not members of the extension
select count(*) as members
  from pg_depend d join pg_class c on c.oid = d.objid
 where d.classid = 'pg_class'::regclass and d.deptype = 'e' and c.relname like 'event\_' || :qid || '%';
select queue_event_seq as event_seq, queue_tick_seq as tick_seq from pgq.queue \gset
select last_value, is_called from :event_seq;
select last_value, is_called from :tick_seq;

-- rights, without the owner's
select replace(c.relname, 'event_' || :qid, 'event_N') as name, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
       string_agg(a.privilege_type, ' ' order by a.privilege_type) as rights
  from pg_class c cross join aclexplode(c.relacl) a
 where c.relnamespace = 'pgq'::regnamespace and c.relname like 'event\_' || :qid || '%' and a.grantee <> c.relowner
 group by c.relname, a.grantee
 order by c.relname collate "C", a.grantee::regrole::text collate "C";

-- grant_perms follows the template
create role regress_pgq_auditor;
grant select on pgq.event_template to regress_pgq_auditor;
select has_table_privilege('regress_pgq_auditor', :'pfx' || '_2', 'select') as before;
select pgq.grant_perms('q');
select has_table_privilege('regress_pgq_auditor', :'pfx' || '_2', 'select') as after,
       has_table_privilege('regress_pgq_auditor', :'pfx', 'select') as parent,
       has_table_privilege('regress_pgq_auditor', :'pfx' || '_2', 'insert') as no_more;
select pgq.grant_perms('nosuch');
select pgq.grant_perms(null);
create table public."Some Table" (a int);
grant update on pgq.event_template to regress_pgq_auditor with grant option;
select pgq._grant_perms_from('pgq', 'event_template', 'public', 'Some Table');
select has_table_privilege('regress_pgq_auditor', 'public."Some Table"', 'update with grant option') as granted,
       has_table_privilege('pgq_admin', 'public."Some Table"', 'truncate') as admin_s;
select pgq._grant_perms_from('pgq', null, 'public', 'Some Table') is null as strict;
drop table public."Some Table";
revoke all on pgq.event_template from regress_pgq_auditor;
select pgq.drop_queue('q');
drop role regress_pgq_auditor;

-- tune_storage
select pgq.create_queue('tune');
select queue_data_pfx as pfx from pgq.queue \gset
\set pfx_1 :pfx _1
alter table :pfx_1 reset (fillfactor, autovacuum_enabled, toast.autovacuum_enabled);
select pgq.tune_storage('tune');
select reloptions from pg_class where oid = (:'pfx' || '_1')::regclass;
select pgq.tune_storage('nosuch');
select pgq.tune_storage(null) is null as strict;

-- set_queue_config: names without queue_
select pgq.set_queue_config('tune', 'ticker_max_count', '123'), pgq.set_queue_config('tune', 'ticker_max_lag', '5 seconds'),
       pgq.set_queue_config('tune', 'ticker_idle_period', '1 hour'), pgq.set_queue_config('tune', 'rotation_period', '1 day'),
       pgq.set_queue_config('tune', 'ticker_paused', 'true'), pgq.set_queue_config('tune', 'external_ticker', 'on');
select queue_ticker_max_count, queue_ticker_max_lag, queue_ticker_idle_period, queue_rotation_period, queue_ticker_paused, queue_external_ticker
  from pgq.queue;
select pgq.set_queue_config('tune', 'ticker_max_count', '123') as same_again;
select pgq.set_queue_config(null, 'ticker_max_count', '1');
select pgq.set_queue_config('tune', null, '1');
select pgq.set_queue_config('nosuch', 'ticker_max_count', '1');
select pgq.set_queue_config('nosuch', 'foo', '1');
select pgq.set_queue_config('tune', 'foo', '1');
select pgq.set_queue_config('tune', 'queue_ticker_max_lag', '1');
select pgq.set_queue_config('tune', 'disable_insert', 'true');
select pgq.set_queue_config('tune', 'per_tx_limit', '1');
select pgq.set_queue_config('tune', 'ntables', '5');
select pgq.set_queue_config('tune', 'extra_maint', '{}');
select pgq.set_queue_config('tune', 'foo', null);
select pgq.set_queue_config('tune', 'ticker_max_lag', null);
\set VERBOSITY sqlstate
select pgq.set_queue_config('tune', 'ticker_max_lag', null);
select pgq.set_queue_config('tune', 'ticker_max_count', 'many');
select pgq.set_queue_config('tune', 'ticker_max_count', '1; drop table pgq.queue');
select pgq.set_queue_config('tune', 'foo', '1');
\set VERBOSITY terse
select pgq.drop_queue('tune');

-- drop_queue
select pgq.drop_queue('nosuch');
select pgq.drop_queue('nosuch', true);
select pgq.drop_queue(null, false);
select pgq.drop_queue(null) is null as strict;
select pgq.create_queue('q1'), pgq.create_queue('q2');
select pgq.register_consumer('q1', 'c1'), pgq.register_consumer('q1', 'c2'), pgq.register_consumer('q2', 'c2');
select pgq.event_retry_raw('q1', 'c1', now(), null, now(), 0, 't', 'd', null, null, null, null),
       pgq.event_retry_raw('q2', 'c2', now(), null, now(), 0, 't', 'd', null, null, null, null);
select pgq.drop_queue('q1');
select pgq.drop_queue('q1', false);
select pgq.drop_queue('q1', null);
select queue_id as qid from pgq.queue where queue_name = 'q1' \gset
select pgq.drop_queue('q1', true);
select queue_name, consumer_name from pgq.get_consumer_info();
select co_name from pgq.consumer order by 1;
select count(*) as retry from pgq.retry_queue;
select count(*) as ticks from pgq.tick where tick_queue = :qid;
select count(*) as relations from pg_class where relnamespace = 'pgq'::regnamespace and relname like 'event\_' || :qid || '%';
-- the name is free again
select pgq.create_queue('q1');
select queue_id > :qid as new_id from pgq.queue where queue_name = 'q1';
select pgq.drop_queue('q1'), pgq.drop_queue('q2', true);

-- names that want quoting, and one too long for a notification
select pgq.create_queue('Sales "EU"; drop'), pgq.create_queue(''), pgq.create_queue(repeat('n', 9000));
select pgq.insert_event(queue_name, 't', 'd') from pgq.queue;
update pgq.queue set queue_ticker_max_lag = '0';
select pgq.ticker();
select pgq.drop_queue(queue_name) from pgq.queue;

-- a queue made and dropped in one transaction
begin;
select pgq.create_queue('q');
select pgq.insert_event('q', 't', 'd');
select pgq.drop_queue('q');
commit;
-- and one made in a transaction with one snapshot
begin isolation level repeatable read;
select count(*) from pgq.queue;
select pgq.create_queue('q');
commit;
select pgq.drop_queue('q');
select count(*) as left from pgq.queue;
