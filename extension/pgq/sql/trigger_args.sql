-- Arguments of the triggers, and the rules of calling them.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_min_messages = warning;
select pgq.create_queue('trigger_args') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_args' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_args;
set search_path = trigger_args;
create table t (id integer, k text, v text, w numeric, primary key (k, id));
-- makes the trigger anew
create procedure make(fn text, args text[] default '{}', timing text default 'after insert or update or delete', level text default 'row') language plpgsql as $$
begin
    drop trigger if exists x on trigger_args.t;
    execute format('create trigger x %s on trigger_args.t for each %s execute function pgq.%I(%s)', timing, level, fn,
                   (select string_agg(quote_literal(a), ', ' order by n) from unnest(args) with ordinality u(a, n)));
end;
$$;

-- the queue
call make('logutriga');
insert into t values (1, 'a', 'x', 1);
call make('logutriga', '{no such queue}');
insert into t values (1, 'a', 'x', 1);
call make('logutriga', '{""}');
insert into t values (1, 'a', 'x', 1);

-- what is not an argument
create function bad(arg text) returns text language plpgsql as $$
begin
    call make('logutriga', array['trigger_args', arg]);
    insert into trigger_args.t values (1, 'a', 'x', 1);
    return 'accepted';
exception
    when others then
        return sqlerrm;
end;
$$;
select a as argument, bad(a) from unnest(array['', 'expect_sync', 'no_triggers', 'BACKUP', 'Deny', ' backup', 'ignore', 'IGNORE=v', 'ignore =v',
    'ev_extra5=1', 'ev_type', 'when', 'skip=1', 'x=y', '=', 'deny=', 'skip', 'SKIP']) a;

-- ignore=: neither shown nor compared; blanks and unknown names do not matter
truncate t;
call make('logutriga', '{trigger_args,"ignore= v ,nosuch,, w"}');
insert into t values (1, 'a', 'x', 1);
update t set v = 'y';
update t set v = 'z', w = 2;
-- nothing changes at all: logged
update t set v = v;
update t set w = 2.00;
delete from t;
:take
call make('sqltriga', '{trigger_args,ignore=v,backup}');
insert into t values (1, 'a', 'x', 1);
update t set v = 'y';
update t set v = 'z', w = 2;
update t set v = v;
delete from t;
:take
call make('jsontriga', '{trigger_args,ignore=v,backup}');
insert into t values (1, 'a', 'x', 1);
update t set v = 'y';
update t set v = 'z', w = 2;
:take
-- a key column can be left out of the row, but cannot change
call make('logutriga', '{trigger_args,"ignore=k,id"}');
update t set w = 3;
update t set k = 'b';
update t set w = 4, k = 'b';
update t set v = 'a' where false;
call make('sqltriga', '{trigger_args,"ignore=k,id"}');
update t set w = 5;
update t set w = w;
:take

-- pkey=: shown as it is written
call make('logutriga', '{trigger_args,"pkey=v, id"}');
update t set w = 6;
update t set k = 'b';
update t set v = 'q';
call make('sqltriga', '{trigger_args,"pkey=v, id"}');
update t set w = 7;
call make('jsontriga', '{trigger_args,"pkey=v, id"}');
update t set w = 8;
delete from t;
:take
call make('logutriga', '{trigger_args,"pkey=id,nosuch"}');
insert into t values (1, 'a', 'x', 1);
call make('sqltriga', '{trigger_args,pkey=}');
insert into t values (1, 'a', 'x', 1);
update t set v = 'y';
delete from t;
-- the last one counts
call make('logutriga', '{trigger_args,pkey=w,backup,ignore=w,pkey=id,ignore=v,backup}');
update t set w = 9, v = 'y';
:take

-- no key: only INSERT works
alter table t drop constraint t_pkey;
call make('logutriga', '{trigger_args}');
insert into t values (2, 'b', 'y', 2);
update t set v = 'z';
delete from t;
call make('logutriga', '{trigger_args,deny,SKIP}', 'before insert or update or delete');
update t set v = 'z';
drop trigger x on t;
truncate t;
alter table t add primary key (id), alter k drop not null;
:take

-- SKIP: the event is made, the operation is not
insert into t values (1, 'a', 'x', 1);
call make('logutriga', '{trigger_args,SKIP}', 'before insert or update or delete');
insert into t values (2, 'b', 'y', 2);
update t set v = 'z';
delete from t;
table t;
call make('logutriga', '{trigger_args,SKIP,when=false}', 'before insert or update or delete');
insert into t values (2, 'b', 'y', 2);
delete from t;
table t;
:take
call make('logutriga', '{trigger_args,SKIP}');
insert into t values (2, 'b', 'y', 2);
-- a BEFORE trigger without it
call make('logutriga', '{trigger_args}', 'before insert or update or delete');
insert into t values (2, 'b', 'y', 2);
update t set v = 'z';
table t;
delete from t;
table t;
:take

-- deny
call make('logutriga', '{trigger_args,deny}', 'before insert or update or delete');
insert into t values (2, 'b', 'y', 2);
call make('sqltriga', '{trigger_args,deny,when=false}');
insert into t values (2, 'b', 'y', 2);
call make('jsontriga', '{trigger_args}');
insert into t values (2, 'b', 'y', 2);
call make('jsontriga', '{trigger_args,deny,SKIP}');
update t set v = 'z';
call make('jsontriga', '{trigger_args,deny}');
update t set v = 'z';
delete from t;
call make('jsontriga', '{trigger_args,deny}', 'after truncate', 'statement');
truncate t;
:take

-- TRUNCATE
call make('logutriga', '{trigger_args}', 'before truncate', 'statement');
truncate t;
call make('sqltriga', '{trigger_args}', 'after truncate', 'statement');
truncate t;
call make('jsontriga', '{trigger_args}', 'after truncate', 'statement');
truncate t;
insert into t values (1);
call make('logutriga', '{trigger_args,SKIP}', 'before truncate', 'statement');
truncate t;
select count(*) as skip_does_not_keep_it from t;
:take
call make('logutriga', '{trigger_args,SKIP}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,ignore=v,pkey=id,backup,when=true,deny}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,ev_type=''x'',ignore=v}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,backup,pkey=id,ignore=v}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,backup,pkey=id}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,backup,deny}', 'after truncate', 'statement');
truncate t;
call make('logutriga', '{trigger_args,nonsense}', 'after truncate', 'statement');
truncate t;

-- statement level
call make('sqltriga', '{trigger_args}', 'after insert or update or delete', 'statement');
insert into t values (1);
call make('jsontriga', '{trigger_args}', 'after insert or update or delete', 'statement');
update t set v = 'x';
call make('logutriga', '{}', 'after insert or update or delete', 'statement');
delete from t;

-- session_replication_role: local does nothing at all
call make('logutriga', '{trigger_args,deny}', 'before insert or update or delete');
set session_replication_role = local;
insert into t values (1, 'local');
update t set v = 'local';
table t;
delete from t;
call make('sqltriga', '{trigger_args,SKIP}', 'before insert or update or delete');
insert into t values (1, 'local');
update t set v = 'local';
table t;
delete from t;
call make('jsontriga', '{}');
insert into t values (1, 'local');
delete from t;
set session_replication_role = replica;
-- the server does not fire it
insert into t values (1, 'replica');
call make('jsontriga', '{trigger_args}');
alter table t enable always trigger x;
update t set v = 'always';
call make('jsontriga', '{trigger_args,deny}');
alter table t enable replica trigger x;
delete from t;
set session_replication_role = origin;
delete from t;
:take

-- queue disabled: the statement fails
call make('logutriga', '{trigger_args}');
update pgq.queue set queue_disable_insert = true where queue_name = 'trigger_args';
insert into t values (1);
update pgq.queue set queue_disable_insert = false where queue_name = 'trigger_args';
-- two queues, several triggers
select pgq.create_queue('trigger_args2') as queue;
create trigger y after insert on t for each row execute function pgq.sqltriga('trigger_args2', 'ignore=v');
insert into t values (1, 'a', 'b', 2);
:take
select ev_type, ev_data from pgq.event_template where ev_type = 'I';
drop trigger y on t;
select pgq.drop_queue('trigger_args2');

set client_min_messages = error;
drop schema trigger_args cascade;
select pgq.drop_queue('trigger_args');
