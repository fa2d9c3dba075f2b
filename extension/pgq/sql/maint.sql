-- maint_operations: the list of work, in its order. What rotation and retry do
-- is in tests of their own.
\set VERBOSITY terse
\set ops 'select func_name, func_arg from pgq.maint_operations() where func_name <> ''vacuum'';'
select pgq.create_queue('q2'), pgq.create_queue('q1'), pgq.create_queue('Q3');
:ops
update pgq.queue set queue_switch_time = queue_switch_time - interval '3 hours' where queue_name in ('q1', 'q2');
:ops
-- step 2 is wanted until it is done
select pgq.maint_rotate_tables_step1('q1'), pgq.maint_rotate_tables_step1('q2');
:ops
select pgq.maint_rotate_tables_step2();
:ops

-- functions of one's own
update pgq.queue set queue_extra_maint = '{public.maint_b,"public.Maint A"}' where queue_name = 'q2';
update pgq.queue set queue_extra_maint = '{}' where queue_name = 'q1';
update pgq.queue set queue_extra_maint = '{pgq_x.only}', queue_switch_time = queue_switch_time - interval '3 hours' where queue_name = 'Q3';
:ops
update pgq.queue set queue_extra_maint = null;
select pgq.maint_rotate_tables_step1('Q3');
select pgq.maint_rotate_tables_step2();

-- the rest of the family, if it is there
create schema pgq_node;
create table pgq_node.node_info (queue_name text, node_type text);
create function pgq_node.maint_watermark(i_queue_name text) returns int as 'select 0' language sql;
create schema londiste;
create table londiste.seq_info (queue_name text, local bool, seq_name text);
create function londiste.root_check_seqs(i_queue_name text) returns int as 'select 0' language sql;
create function londiste.periodic_maintenance() returns int as 'select 0' language sql;
:ops
insert into pgq_node.node_info values ('q2', 'root'), ('q1', 'root'), ('Q3', 'leaf'), ('q4', 'branch');
insert into londiste.seq_info values ('q2', true, 's1'), ('q2', true, 's2'), ('q1', false, 's3'), ('Q3', true, 's4');
:ops
-- all of it
update pgq.queue set queue_extra_maint = '{extra}' where queue_name = 'q1';
update pgq.queue set queue_switch_time = queue_switch_time - interval '3 hours' where queue_name = 'q1';
:ops
set client_min_messages = warning;
drop schema pgq_node, londiste cascade;
reset client_min_messages;

-- vacuum is autovacuum's work where that is on
select (current_setting('autovacuum') = 'on') = (count(*) = 0) as right from pgq.maint_tables_to_vacuum();
select pgq.drop_queue(queue_name) from pgq.queue;
