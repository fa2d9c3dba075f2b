-- Whatever changes a row fires the triggers: statements of all kinds, foreign
-- keys, partitions, views, other triggers. Each statement is shown with its events.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only
set client_min_messages = warning;
select pgq.create_queue('q');
select queue_data_pfx as events from pgq.queue where queue_name = 'q' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2 from e order by ev_id;'
-- where the order is PostgreSQL's choice
\set take_sorted 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1 from e order by ev_extra1, ev_type, ev_data;'
create schema trigger_sources;
set search_path = trigger_sources;
create function capture(rel regclass, fn text, args text[] default '{}', timing text default 'after') returns void language plpgsql as $$
begin
    execute format('create trigger %I %s insert or update or delete on %s for each row execute function pgq.%I(''q'' %s)', 'x_' || fn, timing, rel, fn,
                   (select string_agg(', ' || quote_literal(a), '' order by n) from unnest(args) with ordinality u(a, n)));
end;
$$;
create function try(command text) returns text language plpgsql as $$
begin
    execute command;
    return 'ok';
exception
    when others then
        return sqlstate || ' ' || sqlerrm;
end;
$$;

-- COPY
create table t (id int primary key, a text, b text default 'd');
select capture('t', 'sqltriga', '{backup}');
copy t (id, a) from stdin;
1	one
2	\N
3	t\tb
\.
:take
select try('copy t from program ''false''') like '38000%' as copy_fails;
:take

-- INSERT ... ON CONFLICT
insert into t values (1, 'x'), (4, 'new') on conflict do nothing;
insert into t values (1, 'up'), (5, 'new') on conflict (id) do update set a = excluded.a;
insert into t values (1, 'kept') on conflict (id) do update set a = 'none' where t.id > 1;
insert into t values (1, 'same') on conflict (id) do update set a = t.a;
:take
select try($$ insert into t values (1, 'a'), (1, 'b') on conflict (id) do update set id = t.id + 100 $$);
:take
-- and a BEFORE trigger, which fires for what is then not inserted
select capture('t', 'logutriga', timing => 'before');
insert into t values (1, 'x') on conflict do nothing;
insert into t values (1, 'y') on conflict (id) do update set a = excluded.a;
:take
drop trigger x_logutriga on t;

-- with data-modifying WITH, INSERT ... SELECT, UPDATE ... FROM, DELETE ... USING
with d as (delete from t where id > 3 returning *), i as (insert into t select id + 10, a from d returning *)
update t set b = 'from' from d where t.id = d.id - 3;
:take_sorted
delete from t using (values (2), (3)) v (id) where t.id = v.id;
:take_sorted
update t set a = 'twice' from (values (1), (1)) v (id) where t.id = v.id;
truncate t;
:take

-- MERGE
select current_setting('server_version_num')::int >= 150000 as merge \gset
insert into t values (1, 'one'), (2, 'two');
\if :merge
merge into t using (values (1, 'm'), (2, null), (3, 'new')) v (id, a) on t.id = v.id
    when matched and v.a is null then delete
    when matched then update set a = v.a
    when not matched then insert values (v.id, v.a);
\else
delete from t where id = 2; update t set a = 'm' where id = 1; insert into t values (3, 'new');
\endif
:take_sorted

-- UPDATE OF, WHEN, two triggers of one function
drop trigger x_sqltriga on t;
create trigger a after update of a on t for each row when (old.a is distinct from new.a) execute function pgq.logutriga('q', 'ignore=b');
create trigger b after update of b on t for each row execute function pgq.logutriga('q', 'ignore=a', 'backup');
update t set b = 'b1' where id = 1;
update t set a = a where id = 1;
update t set a = 'a1', b = 'b2' where id = 1;
:take
drop table t;

-- foreign keys
create table parent (id int primary key, a text);
create table cascade_all (id int primary key, p int references parent on delete cascade on update cascade);
create table set_null (id int primary key, p int references parent on delete set null on update set null);
create table set_default (id int primary key, p int default 0 references parent on delete set default);
create table grandchild (id int primary key references cascade_all on delete cascade);
select capture(r::regclass, 'logutriga') from unnest('{parent,cascade_all,set_null,set_default,grandchild}'::text[]) r;
insert into parent values (0), (1), (2);
insert into cascade_all values (1, 1), (2, 2);
insert into set_null values (1, 1), (2, 2);
insert into set_default values (1, 1);
insert into grandchild values (1);
:take
delete from parent where id = 1;
:take_sorted
drop trigger x_logutriga on parent;
update parent set id = 3 where id = 2;
:take_sorted
-- refused at the end of the transaction: nothing is left
alter table cascade_all drop constraint cascade_all_p_fkey, add constraint d foreign key (p) references parent deferrable initially deferred;
begin;
insert into cascade_all values (9, 99);
\set VERBOSITY sqlstate
commit;
\set VERBOSITY terse
:take
drop table parent, cascade_all, set_null, set_default, grandchild;

-- partitions of two levels, with columns in other places
create table p (id int, k text, v numeric, primary key (id, k)) partition by range (id);
create table p1 partition of p for values from (0) to (10);
create table gone (v numeric, dropped int, k text not null, id int not null);
alter table gone drop dropped;
alter table p attach partition gone for values from (10) to (20);
create table p3 partition of p for values from (20) to (30) partition by list (k);
create table p3a partition of p3 for values in ('a');
create table p3x partition of p3 default;
select capture('p', 'jsontriga', '{backup}');
select capture('p', 'logutriga', '{ev_extra1=''trigger_sources.p''}');
insert into p values (1, 'a', 1.0), (11, 'a', 2.0), (21, 'a', 3.0), (22, 'b', 4.0);
:take
update p set v = v + 1 where id in (11, 22);
:take
-- moved: a DELETE and an INSERT
update p set id = 12 where id = 1;
update p set k = 'z' where id = 21;
:take
-- what comes later is captured as well, what has gone is not
create table p4 (like p);
insert into p4 values (31, 'x', 0);
alter table p attach partition p4 for values from (30) to (40);
update p set v = 7 where id = 31;
alter table p detach partition gone;
insert into gone values (5, 'k', 1);
insert into p4 values (32, 'direct', 1);
copy p from stdin;
2	copied	5
33	copied	6
\.
:take
insert into p values (2, 'copied', 1) on conflict (id, k) do update set v = excluded.v;
delete from p where k = 'copied';
:take
drop table p, gone;
-- one whose key is only the partition's
create table p (id int, v text) partition by list (id);
create table p1 partition of p (primary key (id)) for values in (1);
select capture('p', 'sqltriga');
insert into p values (1, 'a');
update p set v = 'b';
delete from p;
:take
drop table p;
-- inheritance of old
create table base (id int primary key, a text);
create table derived (more int, primary key (id)) inherits (base);
select capture('base', 'sqltriga');
select capture('derived', 'sqltriga');
insert into base values (1, 'b');
insert into derived values (2, 'd', 3);
update base set a = 'u';
:take
drop table base, derived;

-- a view
create table under (id int primary key, a text);
create view over as select * from under;
select capture('under', 'logutriga');
insert into over values (1, 'through');
update over set a = 'x';
:take
create trigger y instead of insert or update or delete on over for each row execute function pgq.sqltriga('q', 'pkey=id');
insert into over values (2, 'instead');
update over set a = 'y';
delete from over;
table under;
:take
drop view over;

-- triggers that change what is captured, before and after
create function touch() returns trigger language plpgsql as $$ begin new.a := new.a || '!'; return new; end $$;
create function more() returns trigger language plpgsql as $$ begin insert into under values (new.id + 1, 'more'); return null; end $$;
create trigger a before insert or update on under for each row execute function touch();
create trigger z after insert on under for each row when (new.id < 102) execute function more();
insert into under values (100, 'chain');
:take
create function skip() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger b before insert or update or delete on under for each row execute function skip();
insert into under values (200, 'skipped');
update under set a = 'skipped';
delete from under;
:take
drop trigger b on under;
drop trigger z on under;

-- a trigger that fails, and is caught: the events of what was undone are gone
create trigger x2 after insert on under for each row execute function pgq.logutriga('nosuch');
do $$
begin
    insert into under values (300, 'lost');
exception
    when others then
        raise warning '% %', sqlstate, sqlerrm;
        alter table under disable trigger x2;
        insert into under values (301, 'kept');
end;
$$;
:take
alter table under enable trigger x2;
create or replace function more() returns trigger language plpgsql as $$
begin
    begin
        insert into under values (new.id + 1000, 'inner');
    exception
        when others then
            raise warning '% %', sqlstate, sqlerrm;
    end;
    return null;
end $$;
create trigger z after update on under for each row execute function more();
update under set a = 'outer' where id = 301;
:take
drop trigger x2 on under;
update under set a = 'outer' where id = 301;
:take
-- the same by an expression that fails for one row
drop trigger z on under;
create trigger x3 after insert on under for each row execute function pgq.sqltriga('q', 'ev_extra2=1 / (id - 401)');
select n, try(format('insert into under values (%s, %L)', n, 'e')) from generate_series(400, 402) n;
:take
-- and one that changes the table it stands on
create function evil(int) returns text language plpgsql stable as $$ begin execute 'alter table trigger_sources.under add column more int'; return 'x'; end $$;
create trigger x4 after insert on under for each row execute function pgq.jsontriga('q', 'ev_extra2=trigger_sources.evil(id)');
\set VERBOSITY sqlstate
insert into under values (500, 'x');
\set VERBOSITY terse
drop trigger x4 on under;
insert into under values (501, 'x');
:take
drop table under;

-- roles of the session
create table r (id int primary key);
select capture('r', 'logutriga');
alter table r enable replica trigger x_logutriga;
insert into r values (1);
set session_replication_role = replica;
insert into r values (2);
update pgq.queue set queue_disable_insert = true where queue_name = 'q';
insert into r values (3);
reset session_replication_role;
alter table r enable always trigger x_logutriga;
select try('insert into r values (4)');
set session_replication_role = replica;
insert into r values (5);
set session_replication_role = local;
insert into r values (6);
reset session_replication_role;
update pgq.queue set queue_disable_insert = false where queue_name = 'q';
:take

-- toasted values: what is not changed is not fetched by sqltriga, and shown whole by the others
create table big (id int primary key, a text, b text);
alter table big alter a set storage external;
select capture('big', 'sqltriga');
select capture('big', 'logutriga', '{ev_extra3=md5(a)}');
select capture('big', 'jsontriga', '{backup}');
insert into big values (1, repeat('x y', 400000), (select string_agg(md5(n::text), '') from generate_series(1, 20000) n));
update big set b = 'short';
update big set a = a || '!';
with e as (delete from pgq.event_template returning *)
select left(ev_type, 40), length(ev_data), md5(ev_data), length(ev_extra2), md5(ev_extra2), ev_extra3 from e order by ev_id;

set client_min_messages = error;
drop schema trigger_sources cascade;
select pgq.drop_queue('q');
