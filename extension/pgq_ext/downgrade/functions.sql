-- ----------------------------------------------------------------------
-- Functions of 3.1 as its contract has them, for the time until upstream's own
-- take their place.
-- ----------------------------------------------------------------------

create or replace function pgq_ext.version() returns text as $$ select '3.1'::text $$ language sql;

create or replace function pgq_ext.upgrade_schema() returns integer as $$ select 0 $$ language sql;

create or replace function pgq_ext.is_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) returns boolean as $$
    select exists (select from pgq_ext.completed_batch b
                    where b.consumer_id = a_consumer and b.subconsumer_id = a_subconsumer and b.last_batch_id = a_batch_id);
$$ language sql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_ext.is_batch_done(a_consumer text, a_batch_id bigint) returns boolean as $$
    select pgq_ext.is_batch_done(a_consumer, '', a_batch_id);
$$ language sql;

create or replace function pgq_ext.set_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) returns boolean as $$
begin
    if pgq_ext.is_batch_done(a_consumer, a_subconsumer, a_batch_id) then
        return false;
    end if;
    if a_batch_id > 0 then
        insert into pgq_ext.completed_batch (consumer_id, subconsumer_id, last_batch_id) values (a_consumer, a_subconsumer, a_batch_id)
            on conflict (consumer_id, subconsumer_id) do update set last_batch_id = excluded.last_batch_id;
    end if;
    return true;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_ext.set_batch_done(a_consumer text, a_batch_id bigint) returns boolean as $$
    select pgq_ext.set_batch_done(a_consumer, '', a_batch_id);
$$ language sql;

create or replace function pgq_ext.set_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean as $$
declare
    _batch bigint;
begin
    if pgq_ext.is_event_done(a_consumer, a_subconsumer, a_batch_id, a_event_id) then
        return false;
    end if;
    select p.cur_batch_id into _batch from pgq_ext.partial_batch p
     where p.consumer_id = a_consumer and p.subconsumer_id = a_subconsumer for update;
    if _batch is distinct from a_batch_id then
        delete from pgq_ext.completed_event e
         where e.consumer_id = a_consumer and e.subconsumer_id = a_subconsumer and e.batch_id = _batch;
        insert into pgq_ext.partial_batch (consumer_id, subconsumer_id, cur_batch_id) values (a_consumer, a_subconsumer, a_batch_id)
            on conflict (consumer_id, subconsumer_id) do update set cur_batch_id = excluded.cur_batch_id;
    end if;
    insert into pgq_ext.completed_event (consumer_id, subconsumer_id, batch_id, event_id) values (a_consumer, a_subconsumer, a_batch_id, a_event_id);
    return true;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_ext.set_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint) returns boolean as $$
    select pgq_ext.set_event_done(a_consumer, '', a_batch_id, a_event_id);
$$ language sql;

create or replace function pgq_ext.get_last_tick(a_consumer text, a_subconsumer text) returns bigint as $$
    select t.last_tick_id from pgq_ext.completed_tick t where t.consumer_id = a_consumer and t.subconsumer_id = a_subconsumer;
$$ language sql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_ext.get_last_tick(a_consumer text) returns bigint as $$
    select pgq_ext.get_last_tick(a_consumer, '');
$$ language sql;

create or replace function pgq_ext.set_last_tick(a_consumer text, a_subconsumer text, a_tick_id bigint) returns integer as $$
begin
    if a_tick_id is null then
        delete from pgq_ext.completed_tick t where t.consumer_id = a_consumer and t.subconsumer_id = a_subconsumer;
    else
        insert into pgq_ext.completed_tick (consumer_id, subconsumer_id, last_tick_id) values (a_consumer, a_subconsumer, a_tick_id)
            on conflict (consumer_id, subconsumer_id) do update set last_tick_id = excluded.last_tick_id;
    end if;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint) returns integer as $$
    select pgq_ext.set_last_tick(a_consumer, '', a_tick_id);
$$ language sql;

-- ../upgrade/end.sql drops the functions that keep their comment of 'left over'
do $$
declare
    _sql text;
begin
    for _sql in
        select pg_catalog.format('comment on function %s is null', p.oid::regprocedure)
          from pg_catalog.pg_proc p
         where p.pronamespace = 'pgq_ext'::regnamespace
           and p.proname in ('version', 'upgrade_schema', 'is_batch_done', 'set_batch_done', 'is_event_done', 'set_event_done',
                             'get_last_tick', 'set_last_tick')
    loop
        execute _sql;
    end loop;
end;
$$;
