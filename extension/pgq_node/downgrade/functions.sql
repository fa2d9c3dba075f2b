-- ----------------------------------------------------------------------
-- Functions of 3.5 as its contract has them, for the time until upstream's own
-- take their place. The others of 4.0 work on the table as on the view.
-- ----------------------------------------------------------------------

create or replace function pgq_node.version() returns text as $$
    select e.extversion from pg_catalog.pg_extension e where e.extname = 'pgq_node';
$$ language sql;

create or replace function pgq_node.upgrade_schema() returns integer as $$ select 0 $$ language sql;

create or replace function pgq_node.set_consumer_completed(
    i_queue_name text, i_consumer_name text, i_tick_id bigint, out ret_code integer, out ret_note text)
as $$
begin
    update pgq_node.local_state s
       set last_tick_id = i_tick_id, cur_error = null
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    if found then
        ret_code := 100;
        ret_note := 'Consumer ' || i_consumer_name || ' completed tick = ' || i_tick_id;
    else
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_node.set_consumer_error(
    i_queue_name text, i_consumer_name text, i_error_msg text, out ret_code integer, out ret_note text)
as $$
begin
    update pgq_node.local_state s
       set cur_error = i_error_msg
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    if found then
        ret_code := 100;
        ret_note := 'Consumer ' || i_consumer_name || ' error = ' || i_error_msg;
    else
        ret_code := 101;
        ret_note := 'Consumer not known, ignoring: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_node.set_partition_watermark(
    i_combined_queue_name text, i_part_queue_name text, i_watermark bigint, out ret_code integer, out ret_note text)
as $$
declare
    _worker text;
begin
    select p.worker_name into _worker
      from pgq_node.node_info p
      join pgq_node.node_info c on c.queue_name = p.combined_queue
     where p.queue_name = i_part_queue_name and p.node_type = 'leaf'
       and c.queue_name = i_combined_queue_name and c.node_type = 'branch';
    if not found then
        ret_code := 201;
        ret_note := 'Part-queue does not exist';
        return;
    end if;
    update pgq_node.local_state s
       set last_tick_id = i_watermark
     where s.queue_name = i_part_queue_name and s.consumer_name = _worker;
    if found then
        ret_code := 200;
        ret_note := 'Ok';
    else
        ret_code := 401;
        ret_note := 'Worker registration not found';
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_node._state_set(
    i_queue_name text, i_consumer_name text, i_provider_node text, i_tick_id bigint, i_paused boolean, i_uptodate boolean)
returns boolean as $$
begin
    update pgq_node.local_state s
       set provider_node = coalesce(i_provider_node, s.provider_node),
           last_tick_id = coalesce(i_tick_id, s.last_tick_id),
           paused = coalesce(i_paused, s.paused),
           uptodate = coalesce(i_uptodate, s.uptodate)
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    return found;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;

create or replace function pgq_node._state_new(i_queue_name text, i_consumer_name text, i_provider_node text, i_tick_id bigint)
returns void as $$
    insert into pgq_node.local_state (queue_name, consumer_name, provider_node, last_tick_id)
    values (i_queue_name, i_consumer_name, i_provider_node, i_tick_id);
$$ language sql set search_path to pg_catalog, pg_temp;

-- ../upgrade/end.sql drops the functions that keep their comment of 'left over'
do $$
declare
    _sql text;
begin
    for _sql in
        select pg_catalog.format('comment on function %s is null', p.oid::regprocedure)
          from pg_catalog.pg_proc p
         where p.pronamespace = 'pgq_node'::regnamespace
           and p.proname not in ('_state_lock', '_state_put', '_state_write')
           and p.proname = any (pg_catalog.string_to_array(pg_catalog.current_setting('skytools.functions'), ' '))
    loop
        execute _sql;
    end loop;
end;
$$;
