-- logutriga without arguments has a short way for ordinary changes. An argument
-- that means nothing makes it go the long way: both must say the same.
\set VERBOSITY terse
create schema trigger_ordinary;
set search_path = trigger_ordinary, pg_catalog;
select pgq.create_queue('short'), pgq.create_queue('long');
create table t (id integer primary key, a text, "b%c" text);
create table keys (x text, a text, n boolean, y text, primary key (y, a));
create table one (a text primary key);
create table nokey (a text, b text);
do $$
declare
    tab regclass;
begin
    foreach tab in array array['t', 'keys', 'one', 'nokey']::regclass[] loop
        execute format('create trigger a_short after insert or update or delete on %s for each row
            execute function pgq.logutriga(''short'')', tab);
        execute format('create trigger b_long after insert or update or delete on %s for each row
            execute function pgq.logutriga(''long'', ''ignore=nosuch'')', tab);
    end loop;
end $$;
create view v (text, nr) as
    select * from unnest(array[null, '', ' ', 'a', 'a b', 'a,b', ',', ',,', '"', '""', 'a"b', '"a,', '",",', '\', '\\"', '(', '),(', '%',
        '%01.', '=&', '+', '._', E'\x01', E'\x02', E'\x01_', E'a\nb', 'é', 'NULL', '{"a": [1, 2], "b": "c\"d"}']) with ordinality;

insert into t select row_number() over (), a.text, b.text from v a, v b where (a.nr + 3 * b.nr) % 7 = 0;
update t set a = "b%c", "b%c" = a;
update t set a = null;
delete from t;

insert into keys select x.text, a.text, a.nr % 2 = 0, y.text from v x, v a, v y
 where a.text is not null and y.text is not null and (x.nr + 3 * a.nr + 7 * y.nr) % 167 = 0;
update keys set n = not n;
update keys set x = 'a,"';
delete from keys;

insert into one select text from v where text is not null;
update one set a = a;
delete from one;

insert into nokey select a.text, b.text from v a, v b where (a.nr + 5 * b.nr) % 7 = 0;

-- errors, from both
update nokey set a = 'x';
delete from nokey;
insert into t values (1, 'x', 'y');
update t set id = 2;
alter table t disable trigger a_short;
update t set id = 2;
alter table t enable trigger a_short;
insert into keys values ('x', 'a', true, 'y,');
update keys set y = 'y';
alter table keys disable trigger a_short;
update keys set a = 'b';
alter table keys enable trigger a_short;

select queue_data_pfx as short from pgq.queue where queue_name = 'short' \gset
select queue_data_pfx as long from pgq.queue where queue_name = 'long' \gset
select left(s.ev_type, 1) as op, s.ev_extra1 as table, count(*), count(distinct s.ev_data) as distinct,
       bool_and((s.ev_type, s.ev_data, s.ev_extra1) is not distinct from (l.ev_type, l.ev_data, l.ev_extra1)) as same
  from (select row_number() over (order by ev_id) as nr, * from :short) s
  full join (select row_number() over (order by ev_id) as nr, * from :long) l using (nr)
 group by 1, 2 order by 2, 1;

-- whatever the names mean to the user
create function no(text, text) returns boolean as $$ select null::boolean $$ language sql;
create operator = (procedure = trigger_ordinary.no, leftarg = text, rightarg = text);
create operator <> (procedure = trigger_ordinary.no, leftarg = text, rightarg = text);
create operator !~ (procedure = trigger_ordinary.no, leftarg = text, rightarg = text);
create function replace(text, text, text) returns text as $$ select 'no' $$ language sql;
insert into t values (3, 'é, "x"', null);
update t set a = '' where id = 3;
delete from t where id = 3;
select ev_type, ev_data, ev_extra1 from :short order by ev_id desc limit 3;

-- an alteration is noticed
alter table t add d integer default 5;
update t set a = 'z';
alter table t drop "b%c";
update t set a = 'y';
alter table t add _pgq_ev_extra2 text default 'magic';
update t set a = 'x';
select ev_type, ev_data, ev_extra1, ev_extra2 from :short order by ev_id desc limit 3;

set client_min_messages = warning;
drop schema trigger_ordinary cascade;
select pgq.drop_queue('short'), pgq.drop_queue('long');
