-- The triggers run with the rights of who changes the table, and in spite of his search_path.
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
set client_min_messages = warning;
select pgq.create_queue('trigger_rights') as queue;
select queue_data_pfx as events from pgq.queue where queue_name = 'trigger_rights' \gset
\set take 'with e as (delete from ' :events ' returning *) select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from e order by ev_id;'
create role regress_trigger_nobody;
create role regress_trigger_writer in role pgq_writer;
create schema trigger_rights;
grant usage on schema trigger_rights to public;
create table trigger_rights.t (id integer primary key, v text, a integer[]);
grant insert, select, update, delete, truncate on trigger_rights.t to public;
create trigger x after insert or update or delete on trigger_rights.t for each row execute function pgq.logutriga('trigger_rights', 'ev_extra4=current_user');
create trigger y after insert or update or delete on trigger_rights.t for each row execute function pgq.sqltriga('trigger_rights', 'ignore=id,nosuch', 'when=id < 100');
create trigger z after insert or update or delete on trigger_rights.t for each row execute function pgq.jsontriga('trigger_rights', 'pkey=id');
create trigger r after truncate on trigger_rights.t for each statement execute function pgq.jsontriga('trigger_rights');

set role regress_trigger_nobody;
insert into trigger_rights.t values (1, 'x');
truncate trigger_rights.t;
set role regress_trigger_writer;
insert into trigger_rights.t values (1, 'x');
update trigger_rights.t set a = '{1}';
delete from trigger_rights.t;
truncate trigger_rights.t;
-- what another one has planned in this session
set role regress_trigger_nobody;
insert into trigger_rights.t values (1, 'x');
reset role;
:take

-- functions and operators of somebody else's are not for us
create schema trigger_trap;
create function trigger_trap.trap(text, text) returns text language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.trap_bool(text, text) returns boolean language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.trap_bool(oid, oid) returns boolean language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.trap_bool(text[], text[]) returns boolean language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.replace(text, text, text) returns text language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.format(text, variadic "any") returns text language internal as 'text_format';
create function trigger_trap.to_json(anyelement) returns json language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.quote_literal(text) returns text language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function trigger_trap.insert_event(text, text, text, text, text, text, text) returns bigint language plpgsql as $$ begin raise exception 'trapped'; end $$;
create operator trigger_trap.|| (function = trigger_trap.trap, leftarg = text, rightarg = text);
create operator trigger_trap.= (function = trigger_trap.trap_bool, leftarg = text, rightarg = text);
create operator trigger_trap.<> (function = trigger_trap.trap_bool, leftarg = text, rightarg = text);
create operator trigger_trap.~ (function = trigger_trap.trap_bool, leftarg = text, rightarg = text);
create operator trigger_trap.!~ (function = trigger_trap.trap_bool, leftarg = text, rightarg = text);
create operator trigger_trap.= (function = trigger_trap.trap_bool, leftarg = oid, rightarg = oid);
create operator trigger_trap.= (function = trigger_trap.trap_bool, leftarg = text[], rightarg = text[]);
create operator trigger_trap.&& (function = trigger_trap.trap_bool, leftarg = text[], rightarg = text[]);
create domain trigger_trap.text as pg_catalog.text check (false);
create function trigger_trap.t_as_text(trigger_rights.t) returns pg_catalog.text language plpgsql as $$ begin raise exception 'trapped'; end $$;
create cast (trigger_rights.t as pg_catalog.text) with function trigger_trap.t_as_text(trigger_rights.t) as implicit;
set search_path = trigger_trap, pg_catalog;
insert into trigger_rights.t values (2, 'x"%', '{1,2}');
update trigger_rights.t set a = '{3}';
update trigger_rights.t set v = 'y z' where id operator(pg_catalog.=) 2;
delete from trigger_rights.t;
truncate trigger_rights.t;
-- in a new session, too: nothing is planned yet
\c
\set VERBOSITY terse
\pset format unaligned
set search_path = trigger_trap, pg_catalog;
insert into trigger_rights.t values (2, 'x"%', '{1,2}');
update trigger_rights.t set a = '{3}';
delete from trigger_rights.t;
reset search_path;
:take

set client_min_messages = error;
drop schema trigger_rights, trigger_trap cascade;
drop role regress_trigger_nobody, regress_trigger_writer;
select pgq.drop_queue('trigger_rights');
