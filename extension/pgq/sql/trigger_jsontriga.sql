-- pgq.jsontriga: what events look like.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_encoding = 'UTF8';
set client_min_messages = warning;
set datestyle = 'ISO, MDY';
set timezone = 'UTC-2';
set intervalstyle = 'postgres';
set bytea_output = 'hex';
select pgq.create_queue('trigger_jsontriga') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_jsontriga' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_jsontriga;
set search_path = trigger_jsontriga;

create table simple (id integer primary key, a text, b boolean);
create trigger t after insert or update or delete on simple for each row execute function pgq.jsontriga('trigger_jsontriga', 'backup');
create trigger t_truncate after truncate on simple for each statement execute function pgq.jsontriga('trigger_jsontriga');
insert into simple values (1, 'x', null), (2, '', true), (3, null, false);
update simple set a = 'y' where id = 1;
update simple set a = a where id = 1;
update simple set id = 5 where id = 1;
delete from simple where id = 2;
truncate simple;
:take
create table nokey (a integer);
create trigger t after insert or update or delete on nokey for each row execute function pgq.jsontriga('trigger_jsontriga');
create trigger t_truncate after truncate on nokey for each statement execute function pgq.jsontriga('trigger_jsontriga');
insert into nokey values (1);
update nokey set a = 2;
truncate nokey;
:take

-- names; the key in the order of its index
create schema "S.""1";
create table "S.""1"."T, \x" ("b\" integer, "a""" text, "tab	" text, "käse" text, primary key ("a""", "b\"));
create trigger t after insert or update or delete on "S.""1"."T, \x" for each row execute function pgq.jsontriga('trigger_jsontriga');
insert into "S.""1"."T, \x" values (1, 'a', 't', 'k');
:take

-- strings
create table strings (id integer primary key, t text);
create trigger t after insert on strings for each row execute function pgq.jsontriga('trigger_jsontriga');
insert into strings values (1, E'\b\f\n\r\t"\\/'), (2, E'\x01\x02\x1f'), (3, 'õ/€/😀'), (4, '<&>''%+'), (5, 'null'), (6, '');
:take
insert into strings select i, chr(i) from generate_series(7, 300) i;
select bool_and((ev_data::json ->> 't') = chr((ev_data::json ->> 'id')::integer)) as all_come_back from :events;
delete from :events;

-- bare: boolean and the integers; ISO 8601: date and time stamps; all else is a string, domains too
create type colour as enum ('red', 'deep green');
create type pair as (x integer, y text);
create domain posint as integer;
create domain flag as boolean;
create domain moment as timestamptz;
create table types (
    i2 smallint, i4 integer, i8 bigint primary key, n numeric, f8 double precision, b boolean, c char(4), d date, ts timestamp, tz timestamptz,
    ti time, iv interval, by bytea, j json, jb jsonb, ai integer[], ad date[], e colour, p pair, pi posint, fl flag, mo moment, o oid);
create trigger t after insert or update or delete on types for each row execute function pgq.jsontriga('trigger_jsontriga');
insert into types values (
    -1, 2147483647, 9007199254740993, 1.50, 1e300, true, 'ab', '2024-03-05', '2024-03-05 10:20:30.5', '2024-03-05 10:20:30.5+02',
    '10:20', '1 day 02:03', '\x00ff', '{"a" : "b"}', 'true', '{1,NULL}', '{2024-03-05}', 'deep green', '(1,"a b")', 5, false,
    '2024-03-05 10:20:30.5+02', 7);
insert into types (i8, d, ts, tz, f8, n, b) values (2, 'infinity', '-infinity', 'infinity', 'NaN', 'NaN', false);
insert into types (i8, d, ts, tz) values (3, '0044-03-15 BC', '0044-03-15 10:00 BC', '12024-01-01 10:00+02');
:take
-- but for these three types, as the settings want it
set datestyle = 'SQL, DMY';
set timezone = 'UTC+3:30';
insert into types (i8, d, ts, tz, mo, ad) values (4, '05/03/2024', '05/03/2024 10:20:30.5', '05/03/2024 10:20:30.5+02', '05/03/2024 10:20:30.5+02', '{05/03/2024}');
insert into types (i8, d, ts, tz) values (5, 'infinity', '-infinity', 'infinity');
set datestyle = 'ISO, MDY';
set timezone = 'UTC-2';
:take

-- it is JSON
create table any_text (id integer primary key, a text, b text, c timestamptz, d bigint);
create trigger t after insert or update or delete on any_text for each row execute function pgq.jsontriga('trigger_jsontriga', 'backup');
insert into any_text select i, chr(i) || '",\', null, now(), i * 100000000::bigint from generate_series(1, 500) i;
update any_text set b = a || '}{';
delete from any_text;
select ev_type::json ->> 'op' as op, count(*), count(ev_data::json), count(ev_extra2::json) from :events group by 1 order by 1;
delete from :events;

set client_min_messages = error;
drop schema trigger_jsontriga, "S.""1" cascade;
select pgq.drop_queue('trigger_jsontriga');
