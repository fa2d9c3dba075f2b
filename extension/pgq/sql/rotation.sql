-- Rotation: maint_rotate_tables_step1, _step2, get_rotation_info.
\set VERBOSITY terse
select pgq.create_queue('q');
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select queue_id as q, queue_data_pfx as pfx from pgq.queue \gset

-- one rotation as maintenance does it, some time after the latest one
\set old 'update pgq.queue set queue_switch_time = queue_switch_time - queue_rotation_period - interval ''1 s'';'
\set step1 'do $$ begin perform pgq.maint_rotate_tables_step1(''q''); end $$;'
\set step2 'do $$ begin perform pgq.maint_rotate_tables_step2(); end $$;'
\set tick 'do $$ begin perform pgq.ticker(''q''); end $$;'
\set rotate :old :step1 :step2 :tick

create function events(n int) returns bigint as $$
    select count(pgq.insert_event('q', 't', i::text)) from generate_series(1, n) i;
$$ language sql;
create function state(out "table" text, out state text, out rows bigint, out on_disk boolean, out blocker text) returns setof record as $$
declare
    i record;
begin
    for i in select * from pgq.get_rotation_info('q') r where r.state <> 'ticks' order by length(r.table_name), r.table_name, r.blocker loop
        "table" := 'N' || regexp_replace(i.table_name, '.*_', '_');
        state := i.state;
        execute 'select count(*) from ' || i.table_name into rows;
        on_disk := pg_relation_size(i.table_name) > 0;
        blocker := i.blocker;
        return next;
    end loop;
end;
$$ language plpgsql;

-- the period is not over
select pgq.maint_rotate_tables_step1('q'), pgq.maint_rotate_tables_step2();
select queue_cur_table, queue_ntables, queue_switch_step1 = queue_switch_step2 as unchanged from pgq.queue;
select pgq.maint_rotate_tables_step1('nosuch'), pgq.maint_rotate_tables_step1(null);

-- step 1
select queue_switch_step1 as step1 from pgq.queue \gset
:old
select events(2);
select pgq.maint_rotate_tables_step1('q');
select queue_cur_table, queue_switch_step1 > :step1 as step1, queue_switch_step2, now() - queue_switch_time < '1 h' as "time" from pgq.queue;
-- not again before step 2
:old
select pgq.maint_rotate_tables_step1('q');
select queue_cur_table, queue_switch_step2 from pgq.queue;
select events(3);
-- step 2, in another transaction
select pgq.maint_rotate_tables_step2();
select queue_cur_table, queue_switch_step2 > queue_switch_step1 as step2 from pgq.queue;
select * from state();

-- without consumers it goes round, and there are never more than three
select pgq.ticker('q');
:rotate
select events(1);
select * from state();
:rotate
select * from state();
:rotate
:rotate
select queue_cur_table, queue_ntables from pgq.queue;
select * from state();
-- ticks from which nothing can be read any more are gone
select count(*) as ticks, min(tick_id) > 1 as old_gone from pgq.tick;
select bool_and(ticks <= 4) as few from (select count(*) as ticks from pgq.tick) x;

-- a consumer stands still, and rotation goes on: nothing is truncated before it
-- is read
select pgq.register_consumer('q', 'slow'), pgq.register_consumer('q', 'fast');
create temp table want (n bigserial, ev_id bigint);
create temp table got (consumer text, n bigserial, ev_id bigint);
create procedure consume(consumer text, batches int) as $$
declare
    b bigint;
begin
    for i in 1 .. batches loop
        b := pgq.next_batch('q', consumer);
        exit when b is null;
        insert into got (consumer, ev_id) select consume.consumer, e.ev_id from pgq.get_batch_events(b) e;
        perform pgq.finish_batch(b);
    end loop;
end;
$$ language plpgsql;
create procedure produce() as $$
    insert into want (ev_id) select pgq.insert_event('q', 't', 'd');
    insert into want (ev_id) select pgq.insert_event('q', 't', 'd');
$$ language sql;
call produce();
:tick
:rotate
call produce();
:tick
:rotate
call produce();
:rotate
call consume('fast', 100);
call produce();
:rotate
call produce();
:rotate
call produce();
:tick
:rotate
call produce();
:tick
call consume('fast', 100);
select queue_ntables, queue_cur_table from pgq.queue;
select * from state();
-- its oldest tick is there as well
select last_tick = (select min(tick_id) from pgq.tick) as oldest from pgq.get_consumer_info('q', 'slow');
-- the new tables are like the others
select bool_and(c.reloptions = '{fillfactor=100,autovacuum_enabled=off}') as options,
       bool_and(has_table_privilege('pgq_reader', c.oid, 'select') and has_table_privilege('pgq_admin', c.oid, 'truncate')) as rights,
       bool_and((select count(*) from pg_index i where i.indrelid = c.oid) = 1) as index, count(*)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = :'pfx'::regclass;
-- it reads on, piece by piece what it has read goes back
call consume('slow', 4);
:rotate
select * from state();
call consume('slow', 100);
:rotate
select * from state();
:rotate
call consume('slow', 100);
call consume('fast', 100);
:rotate
call consume('slow', 100);
call consume('fast', 100);
:rotate
select queue_ntables from pgq.queue;
select * from state();
-- each event once, to both
select c.consumer, count(g.ev_id) = count(distinct g.ev_id) as once,
       array_agg(g.ev_id order by g.n) = (select array_agg(w.ev_id order by w.n) from want w) as complete_and_in_order
  from (values ('slow'), ('fast')) c (consumer) left join got g using (consumer) group by c.consumer order by c.consumer;
select count(*) = 3 as tables from pg_inherits where inhparent = :'pfx'::regclass;

-- consumers can be moved back by one period at least
call produce();
:tick
select max(tick_id) as back from pgq.tick \gset
call produce();
:tick
call consume('slow', 100);
call consume('fast', 100);
:rotate
call produce();
:tick
call consume('slow', 100);
truncate got, want;
select pgq.register_consumer_at('q', 'slow', :back);
call consume('slow', 100);
select count(*) as again from got;

-- a consumer without a position, as an idle subconsumer is, holds up nothing
update pgq.subscription set sub_last_tick = null where sub_consumer = (select co_id from pgq.consumer where co_name = 'slow');
call consume('fast', 100);
:rotate
call consume('fast', 100);
:rotate
call consume('fast', 100);
:rotate
select * from state();

-- an idle queue needs no more tables
select pgq.unregister_consumer('q', 'slow');
:rotate
:rotate
:rotate
:rotate
:rotate
select queue_ntables from pgq.queue;

-- broken states
delete from pgq.tick where tick_id = (select last_tick from pgq.get_consumer_info('q', 'fast'));
:old
do $$
begin
    perform pgq.maint_rotate_tables_step1('q');
exception
    when raise_exception then
        raise notice '%', regexp_replace(sqlerrm, '\d+', 'N');
end $$;
select pgq.unregister_consumer('q', 'fast');
update pgq.queue set queue_switch_step1 = 4000000000000;
do $$
begin
    perform pgq.maint_rotate_tables_step1('q');
exception
    when raise_exception then
        raise notice '%', regexp_replace(sqlerrm, '\d+', 'N', 'g');
end $$;

-- names, and all queues at once
select pgq.create_queue('q2');
select distinct queue_name from pgq.get_rotation_info(null) order by 1;
select queue_name, state, blocker, blocker_kind, pid, age, application, bytes >= 8192 as bytes from pgq.get_rotation_info('q2') where state <> 'ticks';
select count(*) from pgq.get_rotation_info('nosuch');

drop procedure consume, produce;
drop function events, state;
select pgq.drop_queue('q'), pgq.drop_queue('q2');
