-- pgq.logutriga: what events look like.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_encoding = 'UTF8';
set client_min_messages = warning;
set datestyle = 'ISO, MDY';
set timezone = 'UTC-2';
set intervalstyle = 'postgres';
set bytea_output = 'hex';
set extra_float_digits = 1;
select pgq.create_queue('trigger_logutriga') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_logutriga' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_logutriga;
set search_path = trigger_logutriga;

-- every operation, NULL, empty and blank
create table simple (id integer primary key, a text, b text);
create trigger t after insert or update or delete on simple for each row execute function pgq.logutriga('trigger_logutriga');
create trigger t_truncate after truncate on simple for each statement execute function pgq.logutriga('trigger_logutriga');
insert into simple values (1, 'x', null), (2, '', ' '), (3, null, 'null');
update simple set a = 'y' where id = 1;
-- nothing changes: logged all the same
update simple set a = a where id = 1;
delete from simple where id = 2;
truncate simple;
:take
insert into simple values (1);
update simple set id = 5;
delete from simple;
:take

-- percent-encoding, of names too: only A-Z a-z 0-9 _ . - stay
create schema "S.1";
create table "S.1"."T & x" (
    "Id=" integer primary key, "a b" text, "100%" text, "käse" text, "q""q" text, "it's" text, "back\slash" text, "_.-~" text, "(p),{c}" text);
create trigger t after insert or update or delete on "S.1"."T & x" for each row execute function pgq.logutriga('trigger_logutriga');
insert into "S.1"."T & x" values (1, 'a b', '100%', 'õ/€/😀', '"', '''', '\', '_.-~', '(a),{b}');
insert into "S.1"."T & x" values (2, ' !"#$%&''()*+,-./', '0129:;<=>?@', 'AZ[\]^_`', 'az{|}~', E'\t\r\n\b\f', '\\', '""', ',,');
insert into "S.1"."T & x" values (3, E'\x01', E'\x02', E'\x01\x02,\x01', E'a\x01b\x1f\x7f', E'\u00a0\u0080', '%41', 'a=b&c', '+');
:take

-- each type as it prints
create type colour as enum ('red', 'deep green');
create type pair as (x integer, y text);
create domain posint as integer check (value > 0);
create domain flag as boolean;
create table types (
    i2 smallint, i4 integer, i8 bigint primary key, n numeric, f4 real, f8 double precision, b boolean, t text, v varchar(10), c char(4),
    d date, ts timestamp, tz timestamptz, ti time, tt timetz, iv interval, by bytea, u uuid, j json, jb jsonb, ai integer[], at text[],
    e colour, p pair, pi posint, fl flag, r int4range, bi bit(3), ip inet, pt point, o oid, ch "char", rc regclass);
create trigger t after insert or update or delete on types for each row execute function pgq.logutriga('trigger_logutriga');
insert into types values (
    -1, 2147483647, 9007199254740993, 1.50, 0.1, 1e300, true, 'text', 'var char', 'ab',
    '2024-03-05', '2024-03-05 10:20:30.5', '2024-03-05 10:20:30.5+02', '10:20', '10:20+02', '1 day 02:03', '\x00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '{"a" : 1}', '{"a" : 1}', '{1,NULL}', '{"a b",NULL,"q\"\\"}', 'deep green', '(1,"a b")', 5, false, '[1,3)', '101', '10.0.0.1/8', '(1,2)', 7, 'x', 'pg_class');
insert into types (i8, d, ts, tz, f8, n, b) values (2, 'infinity', '-infinity', 'infinity', 'NaN', 'NaN', false);
insert into types (i8, d, ts, tz) values (3, '0044-03-15 BC', '0044-03-15 10:00 BC', '12024-01-01 10:00+02');
:take
-- they follow the settings
set datestyle = 'German';
set timezone = 'UTC';
set intervalstyle = 'iso_8601';
set bytea_output = 'escape';
set extra_float_digits = 0;
insert into types (i8, f8, by, d, ts, tz, iv) values (4, 0.1::float8 + 0.2, '\x00ff', '2024-03-05', '2024-03-05 10:20:30.5', '2024-03-05 10:20:30.5+02', '1 day 02:03');
reset intervalstyle;
reset bytea_output;
reset extra_float_digits;
set datestyle = 'ISO, MDY';
:take

-- one column, no column, a thousand columns, long values
create table one (a text);
create trigger t after insert on one for each row execute function pgq.logutriga('trigger_logutriga');
insert into one values (''), (null), ('"'), ('a,b'), ('()');
create table none ();
create trigger t after insert on none for each row execute function pgq.logutriga('trigger_logutriga');
insert into none default values;
:take
do $$
begin
    execute (select format('create table wide (%s)', string_agg(format('c%s integer default %s', n, n), ', ')) from generate_series(1, 1000) n);
end;
$$;
create trigger t after insert on wide for each row execute function pgq.logutriga('trigger_logutriga');
insert into wide default values;
insert into one values (repeat('"ä%, ', 20000));
with e as (delete from :events returning *)
select ev_extra1, length(ev_data), md5(ev_data) = md5(case ev_extra1
           when 'trigger_logutriga.one' then 'a=' || repeat('%22%c3%a4%25%2c+', 20000)
           else (select string_agg(format('c%s=%s', n, n), '&' order by n) from generate_series(1, 1000) n)
           end) as right
  from e order by ev_id;

-- fired by all that changes rows
create table target (id integer primary key references simple on update cascade on delete cascade, v text);
create trigger t after insert or update or delete on target for each row execute function pgq.logutriga('trigger_logutriga');
insert into simple values (1), (2), (3);
delete from :events;
copy target from stdin (delimiter ',');
1,copied
2,"quoted
\.
insert into target values (1, 'new'), (3, 'new') on conflict (id) do update set v = 'conflict';
delete from simple where id = 2;
:take
create table parent (id integer primary key, v text) partition by range (id);
create table part1 partition of parent for values from (0) to (10);
-- other order of columns
create table part2 (dropped integer, v text, id integer not null);
alter table part2 drop dropped;
alter table parent attach partition part2 for values from (10) to (20);
create trigger t after insert or update or delete on parent for each row execute function pgq.logutriga('trigger_logutriga');
insert into parent values (1, 'one'), (11, 'eleven');
update parent set v = v || '!';
delete from parent;
:take
create view joint as select id, v from target;
create trigger t instead of insert or update or delete on joint for each row execute function pgq.logutriga('trigger_logutriga', 'pkey=id');
insert into joint values (9, 'view') returning *;
update joint set v = 'view' where id = 1;
delete from joint where id = 1;
:take
select * from target order by id;

set client_min_messages = error;
drop schema trigger_logutriga, "S.1" cascade;
select pgq.drop_queue('trigger_logutriga');
