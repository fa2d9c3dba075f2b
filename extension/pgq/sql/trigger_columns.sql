-- Columns and keys of the tables with triggers: generated, identity, dropped, renamed, magic ones; tables that are altered.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_min_messages = warning;
select pgq.create_queue('trigger_columns') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_columns' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_columns;
set search_path = trigger_columns;

-- generated and identity columns
create table gen (id integer generated always as identity primary key, a integer, g integer generated always as (a * 2) stored, s integer default 7);
create trigger x after insert or update or delete on gen for each row execute function pgq.logutriga('trigger_columns', 'backup');
create trigger y after insert or update or delete on gen for each row execute function pgq.sqltriga('trigger_columns');
insert into gen (a) values (1);
update gen set a = 2;
update gen set s = 8;
delete from gen;
:take
drop trigger x on gen;
drop trigger y on gen;
-- in a BEFORE trigger they are not computed yet, which is no change
create trigger x before insert or update or delete on gen for each row execute function pgq.logutriga('trigger_columns', 'backup');
create trigger y before insert or update or delete on gen for each row execute function pgq.sqltriga('trigger_columns', 'pkey=id,g');
insert into gen (a) values (1);
update gen set a = 2;
update gen set s = 8;
update gen set s = 8;
delete from gen;
:take

-- the key: order of the index, without what it only includes
create table keys (a integer, b integer, c integer, d integer, v text, primary key (c, a) include (d));
create unique index on keys (b);
create trigger x after insert or update or delete on keys for each row execute function pgq.logutriga('trigger_columns');
create trigger y after insert or update or delete on keys for each row execute function pgq.jsontriga('trigger_columns', 'ev_data=null');
create trigger z after insert or update or delete on keys for each row execute function pgq.sqltriga('trigger_columns');
insert into keys values (1, 2, 3, 4, 'x');
update keys set d = 5, b = 6;
update keys set a = 2;
delete from keys;
:take

-- dropped and renamed columns; the session has used the trigger before
drop trigger y on keys;
alter table keys rename a to "A a";
insert into keys values (1, 2, 3, 4, 'x');
update keys set "A a" = 2;
alter table keys rename v to w;
update keys set w = 'y';
alter table keys drop b;
insert into keys values (2, 3, 4, 'x');
:take
alter table keys add n numeric default 1.50;
update keys set n = 1.5000 where "A a" = 2;
alter table keys alter w type text[] using array[w];
update keys set w = '{a,"b c"}' where "A a" = 2;
alter table keys drop d;
update keys set n = 2;
insert into keys ("A a", c) values (5, 5);
:take
create unique index keys_new on keys (n, "A a", c);
alter table keys add primary key using index keys_new;
insert into keys values (5, 6, null, 8);
:take
alter table keys rename to "Key s";
create schema "trigger columns";
alter table "Key s" set schema "trigger columns";
insert into "trigger columns"."Key s" values (9, 9, null, 9);
alter schema "trigger columns" rename to "trigger.columns";
update "trigger.columns"."Key s" set w = '{}' where c = 9;
:take
-- in one transaction, taken back, and in one function
begin;
alter table "trigger.columns"."Key s" rename w to w1;
insert into "trigger.columns"."Key s" values (10, 10, null, 10);
savepoint a;
alter table "trigger.columns"."Key s" rename w1 to w2;
alter table "trigger.columns"."Key s" add x integer;
insert into "trigger.columns"."Key s" values (11, 11, null, 11, 11);
select ev_data from :events order by ev_id;
rollback to a;
insert into "trigger.columns"."Key s" values (12, 12, null, 12);
select ev_data from :events order by ev_id;
rollback;
insert into "trigger.columns"."Key s" values (13, 13, null, 13);
do $$
begin
    insert into "trigger.columns"."Key s" values (14, 14, null, 14);
    alter table "trigger.columns"."Key s" rename w to w3;
    insert into "trigger.columns"."Key s" values (15, 15, null, 15);
    alter table "trigger.columns"."Key s" drop w3;
    insert into "trigger.columns"."Key s" values (16, 16, 16);
end;
$$;
:take
-- new arguments and functions under the old name of the trigger
create table re (id integer primary key, v text);
create trigger x after insert on re for each row execute function pgq.logutriga('trigger_columns');
insert into re values (1, 'x');
create or replace trigger x after insert on re for each row execute function pgq.logutriga('trigger_columns', 'ignore=v');
insert into re values (2, 'x');
create or replace trigger x before insert or delete on re for each row execute function pgq.jsontriga('trigger_columns');
insert into re values (3, 'x');
delete from re where id = 3;
drop table re;
create table re (v text, id2 integer primary key);
create trigger x after insert on re for each row execute function pgq.logutriga('trigger_columns');
insert into re values ('x', 1);
:take
-- under one snapshot
begin isolation level repeatable read;
select count(*) from re;
insert into re values ('x', 2);
alter table re rename id2 to id3;
alter table re add other json;
insert into re values ('x', 3);
commit;
begin isolation level serializable;
create table re2 (id integer primary key, v text);
create trigger x after insert or update on re2 for each row execute function pgq.sqltriga('trigger_columns');
insert into re2 values (1, 'x');
update re2 set v = 'y';
alter table re2 drop constraint re2_pkey;
update re2 set v = 'z';
rollback;
:take

-- magic columns: left out of the row, and put in place of a field
create table magic (
    id integer primary key, v text, _pgq_ev_type text, _pgq_ev_data integer, _pgq_ev_extra1 text, _pgq_ev_extra2 boolean, _pgq_ev_extra3 date,
    _pgq_ev_extra4 text);
set datestyle = 'ISO, MDY';
create trigger x after insert or update or delete on magic for each row execute function pgq.logutriga('trigger_columns', 'backup');
insert into magic values (1, 'v', 'type', 5, 'one', true, '2024-03-05', '');
insert into magic values (2, 'v');
update magic set v = 'w' where id = 1;
update magic set _pgq_ev_type = 'T' where id = 1;
delete from magic;
:take
-- expressions come after them
create or replace trigger x after insert or update or delete on magic for each row execute function
    pgq.jsontriga('trigger_columns', 'ev_type=v', 'ev_data=_pgq_ev_data + 1', 'ev_extra4=_pgq_ev_extra3');
insert into magic values (1, 'v', 'type', 5, 'one', true, '2024-03-05', '');
:take
alter table magic drop _pgq_ev_data, drop _pgq_ev_type, drop _pgq_ev_extra2;
create or replace trigger x after insert or update or delete on magic for each row execute function pgq.sqltriga('trigger_columns', 'backup');
create trigger y after insert or update or delete on magic for each row execute function pgq.jsontriga('trigger_columns', 'backup', 'ignore=v');
insert into magic values (2, 'v', 'one', '2024-03-05', 'four');
update magic set v = 'w' where id = 2;
-- a change of nothing else is none that matters
update magic set _pgq_ev_extra4 = 'five' where id = 2;
:take
alter table magic add _pgq_ev_nosuch text;
insert into magic values (3);
alter table magic drop _pgq_ev_nosuch;
alter table magic add _pgq_evil text;
insert into magic values (3);
:take

set client_min_messages = error;
drop schema trigger_columns, "trigger.columns" cascade;
select pgq.drop_queue('trigger_columns');
