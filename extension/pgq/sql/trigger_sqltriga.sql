-- pgq.sqltriga: what events look like.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_encoding = 'UTF8';
set client_min_messages = warning;
set datestyle = 'ISO, MDY';
set timezone = 'UTC-2';
select pgq.create_queue('trigger_sqltriga') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_sqltriga' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_sqltriga;
set search_path = trigger_sqltriga;

create table simple (id integer primary key, a text, b text);
create trigger t after insert or update or delete on simple for each row execute function pgq.sqltriga('trigger_sqltriga');
create trigger t_truncate after truncate on simple for each statement execute function pgq.sqltriga('trigger_sqltriga');
-- null in INSERT, NULL in UPDATE
insert into simple values (1, 'x', null), (2, '', ' ');
update simple set a = null, b = 'it''s' where id = 1;
update simple set a = E'back\\slash\n' where id = 1;
-- nothing changes
update simple set a = a where id = 1;
update simple set id = 3 where id = 1;
delete from simple where id = 2;
truncate simple;
:take

-- quotes only where necessary; key columns in table order
create schema "S.1";
create table "S.1"."Ord Items" (sku text, "Line No" integer, "select" text, a$b text, "käse" text, "q""q" text, "1st" text, primary key ("Line No", sku));
create trigger t after insert or update or delete on "S.1"."Ord Items" for each row execute function pgq.sqltriga('trigger_sqltriga');
insert into "S.1"."Ord Items" values ('A-1', 7, 'all', 'dollar', 'cheese', 'quote', 'first');
update "S.1"."Ord Items" set "select" = 's', a$b = 'd', "käse" = 'k', "q""q" = 'q', "1st" = '1';
update "S.1"."Ord Items" set "1st" = "1st";
delete from "S.1"."Ord Items";
:take

-- the fragments make the same rows again
create table source (id integer primary key, t text, n numeric, b boolean, ts timestamptz, a text[], j jsonb);
create table copy (like source including all);
create trigger t after insert or update or delete on source for each row execute function pgq.sqltriga('trigger_sqltriga', 'backup');
insert into source select i, chr(i + 30) || '''\"', i / 3.0, i % 2 = 0, '2024-01-01'::timestamptz + i * interval '1 hour', array[chr(i + 30), null], jsonb_build_object(i, chr(i + 31))
  from generate_series(1, 100) i;
update source set t = t || 'x', n = null where id % 3 = 0;
update source set a[2] = '"' where id % 5 = 0;
update source set b = null, ts = 'infinity' where id % 7 = 0;
delete from source where id % 10 = 0;
do $$
declare
    e record;
begin
    for e in execute (select format('select * from %s order by ev_id', queue_data_pfx) from pgq.queue where queue_name = 'trigger_sqltriga') loop
        execute case e.ev_type when 'I' then 'insert into copy ' when 'U' then 'update only copy set ' else 'delete from only copy where ' end || e.ev_data;
    end loop;
end;
$$;
select count(*), count(distinct id) from (select * from source union select * from copy) x;
select ev_type, count(*), count(ev_extra2) as backups from :events group by ev_type order by ev_type;
delete from :events;

-- what counts as a change: the type's equality; text for arrays and for types without equality
create type pair as (x numeric, y text);
create type plain as (x integer, y json);
create type colour as enum ('red', 'green');
create domain amount as numeric;
create domain amounts as numeric[];
create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table compare (
    id integer primary key, n numeric, dn amount, an numeric[], dan amounts, p pair, pl plain, f float8, c char(4), j json, jb jsonb, e colour,
    iv interval, r numrange, pt point, tz timestamptz, ci text collate loose);
insert into compare values (1, 1.50, 1.50, '{1.50}', '{1.50}', '(1.50,a)', '(1,{})', 0.0, 'ab', '{"a":1}', '{"a": 1.0}', 'red',
    '1 mon', '[1.0,2.0)', '(0,0)', '2024-01-01 10:00+00', 'abc');
create trigger t after update on compare for each row execute function pgq.sqltriga('trigger_sqltriga');
update compare set n = 1.5000;
update compare set dn = 1.5000;
update compare set an = '{1.5000}';
update compare set dan = '{1.5000}';
update compare set p = '(1.5000,a)';
update compare set p = '(1.5000,b)';
update compare set pl = '(1,"{ }")';
update compare set f = '-0.0';
update compare set c = 'ab  ';
update compare set j = '{"a": 1}';
update compare set jb = '{"a": 1.00}';
update compare set e = 'green';
update compare set iv = '30 days';
update compare set r = '[1.00,2.00)';
update compare set pt = '(-0,0)';
update compare set tz = '2024-01-01 12:00+02';
update compare set ci = 'ABC';
update compare set ci = 'ABCD', n = null;
:take
-- even where the texts do not show it
set extra_float_digits = -10;
update compare set f = 1;
update compare set f = 1.0000000001;
update compare set f = f;
reset extra_float_digits;
:take

-- keys: the row is found by its old value
create table keys (k numeric primary key, v text);
create trigger t after insert or update or delete on keys for each row execute function pgq.sqltriga('trigger_sqltriga');
insert into keys values (1.0, 'a');
update keys set k = 1.00, v = 'b';
update keys set k = 1.000;
:take
create table nullable (a integer, b integer, v text);
create trigger t after insert or update or delete on nullable for each row execute function pgq.sqltriga('trigger_sqltriga', 'pkey=b,a');
insert into nullable values (1, null, 'x'), (2, 3, 'y');
update nullable set v = 'z' where a = 1;
delete from nullable where a = 1;
update nullable set v = 'z' where a = 2;
delete from nullable where a = 2;
:take

set client_min_messages = error;
drop schema trigger_sqltriga, "S.1" cascade;
select pgq.drop_queue('trigger_sqltriga');
