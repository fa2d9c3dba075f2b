-- Expressions in the arguments of the triggers.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_min_messages = warning;
set datestyle = 'ISO, MDY';
select pgq.create_queue('trigger_expressions') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_expressions' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create schema trigger_expressions;
set search_path = trigger_expressions;
create table t (id integer primary key, up text, "Up" text, ok boolean, n numeric, c char(5), d date, a integer[]);
-- the row's NEW and OLD
create trigger x after insert or update or delete on t for each row execute function
    pgq.logutriga('trigger_expressions', 'backup', 'ev_type=up', 'ev_extra3=n * 2', 'ev_extra4=id || Up');
insert into t values (1, 'low', 'UP', true, 1.50, 'ab', '2024-03-05', '{1,2}');
update t set up = 'new';
delete from t;
:take

create function value_of(expr text, field text default 'ev_extra4') returns text language plpgsql as $$
declare
    result text;
begin
    drop trigger if exists x on trigger_expressions.t;
    execute format('create trigger x after insert on trigger_expressions.t for each row execute function pgq.logutriga(%L, %L)',
                   'trigger_expressions', field || '=' || expr);
    insert into trigger_expressions.t values (1, 'low', 'UP', true, 1.50, 'ab', '2024-03-05', '{1,2}');
    execute (select format('select coalesce(max(%s), %L) from %s', case field when 'when' then 'ev_type' else field end, 'NULL', queue_data_pfx)
               from pgq.queue where queue_name = 'trigger_expressions') into result;
    raise exception using errcode = 'P0V0V', message = result;
exception
    when sqlstate 'P0V0V' then
        return sqlerrm;
    when others then
        return 'error: ' || split_part(sqlerrm, E'\n', 1);
end;
$$;
-- texts as the types print them
select e as expression, value_of(e) from unnest(array[
    'id', 'up', 'Up', 'ok', 'not ok', 'n', 'c', 'd', 'a', 'a[1]', 'id + id', 'c || ''|''', 'upper(up)', 'upper (up)', 'up || Up', 'up ~ ''^l''',
    'coalesce(null, up)', 'case when ok then up else Up end', '(select max(x) from generate_series(1, id) x)', 'exists (select 1 where id = 1)',
    'id::bigint', 'extract(year from d)', 'null', '', '   ', '1', '1.5e3', 'current_schema', 'array[id, 2]', 'row(id, up)',
    'id, up', 'id limit 1', 'id where true', 'id;']) e;
-- names in strings and comments are none
select e as expression, value_of(e) from unnest(array[
    '''up''', '''it''''s up''', '''up'' || up', 'E''\''up'' || up', 'e''a\\''''up'' || up', '$$up$$', '$x$up$$up$x$', '$$up$$ || up', 'x''1f''',
    'U&''\0061up''', 'up -- up', E'up -- it''s\n || up', 'up /* up */', '/* it''s */ up', 'up /* a /* b */ c */ || up', 'up-- '' up', 'id-1', 'id - -1', 'id/1', 'id*id']) e;
-- exact names, else words in lower case
select e as expression, value_of(e) from unnest(array['UP', 'uP', '"UP"', 'ID || uP || Up', 'nosuch', 't.up', 'new.up', 'upx']) e;
-- errors
select e as expression, value_of(e) from unnest(array['id from generate_series(1, 3)', 'id where false', '1 / 0', 'nosuch(id)']) e;
-- every field
select f as field, value_of('up', f) from unnest(array['ev_type', 'ev_data', 'ev_extra1', 'ev_extra2', 'ev_extra3', 'ev_extra4']) f;

-- when=
select e as expression, value_of(e, 'when') from unnest(array[
    'true', 'false', 'ok', 'not ok', 'id = 1', 'id = 2', 'up = ''low'' and Up = ''UP''', 'n > 1.4', 'd is null', 'null::boolean', 'null', '', 'id', '''t''', 'up',
    'true where false', 'ok from generate_series(1, 2)']) e;

-- they cannot write
create table side (x integer);
select value_of('(with w as (insert into trigger_expressions.side values (1) returning x) select x from w)') as value;
table side;

-- all at once, last one wins; ev_extra2= over backup; when= comes last
drop trigger if exists x on t;
create trigger x after insert or update or delete on t for each row execute function
    pgq.jsontriga('trigger_expressions', 'backup', 'ev_extra2=1', 'ev_extra1=''trigger_expressions.parent''', 'ev_extra3=id', 'ev_extra3=id + 1',
                  'ev_data=''''', 'ev_extra4=null', 'when=ok');
insert into t values (1, 'a', 'b', true), (2, 'c', 'd', false);
update t set ok = not ok;
delete from t;
:take
create or replace trigger x after insert on t for each row execute function
    pgq.sqltriga('trigger_expressions', 'when=false', 'ev_type=1 / 0');
insert into t values (1);
-- the user's search_path
create schema trigger_expressions2;
create function trigger_expressions.who() returns text language sql as $$ select 'one'::text $$;
create function trigger_expressions2.who() returns text language sql as $$ select 'two'::text $$;
create or replace trigger x after insert on t for each row execute function pgq.sqltriga('trigger_expressions', 'ev_type=who()', 'ev_data=current_schema');
insert into t values (1);
set search_path = trigger_expressions2;
insert into trigger_expressions.t values (2);
:take

set client_min_messages = error;
drop schema trigger_expressions, trigger_expressions2 cascade;
select pgq.drop_queue('trigger_expressions');
