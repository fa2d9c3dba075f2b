-- ----------------------------------------------------------------------
-- Functions of 3.4 as its contract has them, for the time until upstream's own
-- take their place. They work on pgq.subscription alone, be it a table or
-- pgq 4.0's view. The main consumer's row is locked first.
-- ----------------------------------------------------------------------

create or replace function pgq_coop.version() returns text as $$
    select e.extversion from pg_catalog.pg_extension e where e.extname = 'pgq_coop';
$$ language sql;

create or replace function pgq_coop.register_subconsumer(i_queue_name text, i_consumer_name text, i_subconsumer_name text)
returns integer as $$
declare
    _main record;
begin
    perform pgq.register_consumer(i_queue_name, i_consumer_name);
    select s.sub_id, s.sub_queue into _main
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name
       for update of s;
    if not found then
        raise exception 'main consumer not found';
    end if;
    if pgq.register_consumer(i_queue_name, i_consumer_name || '.' || i_subconsumer_name) = 0 then
        return 0;
    end if;
    update pgq.subscription s
       set sub_id = _main.sub_id, sub_last_tick = null, sub_next_tick = null
      from pgq.consumer c
     where s.sub_queue = _main.sub_queue and s.sub_consumer = c.co_id and c.co_name = i_consumer_name || '.' || i_subconsumer_name;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_coop.unregister_subconsumer(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_batch_handling integer)
returns integer as $$
declare
    _s record;
begin
    select s.sub_queue, s.sub_consumer, s.sub_batch into _s
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name || '.' || i_subconsumer_name
       for update of s;
    if not found then
        return 0;
    end if;
    if _s.sub_batch is not null and i_batch_handling is distinct from 1 then
        raise exception 'subconsumer has active batch';
    end if;
    delete from pgq.subscription where sub_queue = _s.sub_queue and sub_consumer = _s.sub_consumer;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_coop.next_batch_custom(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text,
    i_min_lag interval, i_min_count integer, i_min_interval interval, i_dead_interval interval)
returns bigint as $$
declare
    _main record;
    _sub record;
    _dead record;
    _batch record;
begin
    loop
        select s.sub_id, s.sub_queue, s.sub_consumer, s.sub_batch into _main
          from pgq.subscription s
          join pgq.queue q on q.queue_id = s.sub_queue
          join pgq.consumer c on c.co_id = s.sub_consumer
         where q.queue_name = i_queue_name and c.co_name = i_consumer_name
           for update of s;
        if found then
            if _main.sub_batch is not null then
                raise exception 'main consumer has batch open?';
            end if;
            select s.sub_consumer, s.sub_batch into _sub
              from pgq.subscription s
              join pgq.consumer c on c.co_id = s.sub_consumer
             where s.sub_queue = _main.sub_queue and c.co_name = i_consumer_name || '.' || i_subconsumer_name;
            exit when found;
        end if;
        perform pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
    end loop;

    if _sub.sub_batch is not null then
        update pgq.subscription set sub_active = pg_catalog.now() where sub_queue = _main.sub_queue and sub_consumer = _sub.sub_consumer;
        return _sub.sub_batch;
    end if;

    if i_dead_interval is not null then
        delete from pgq.subscription s
         where s.sub_queue = _main.sub_queue
           and s.sub_consumer = (
                select d.sub_consumer
                  from pgq.subscription d
                 where d.sub_queue = _main.sub_queue and d.sub_id = _main.sub_id
                   and d.sub_consumer not in (_main.sub_consumer, _sub.sub_consumer)
                   and d.sub_active < pg_catalog.now() - i_dead_interval
                 limit 1)
        returning s.sub_batch, s.sub_last_tick, s.sub_next_tick into _dead;
        if _dead.sub_batch is not null then
            update pgq.subscription
               set sub_batch = _dead.sub_batch, sub_last_tick = _dead.sub_last_tick, sub_next_tick = _dead.sub_next_tick, sub_active = pg_catalog.now()
             where sub_queue = _main.sub_queue and sub_consumer = _sub.sub_consumer;
            return _dead.sub_batch;
        end if;
    end if;

    select * into _batch from pgq.next_batch_custom(i_queue_name, i_consumer_name, i_min_lag, i_min_count, i_min_interval);
    if _batch.batch_id is null then
        return null;
    end if;
    update pgq.subscription
       set sub_batch = null, sub_next_tick = null, sub_last_tick = _batch.cur_tick_id, sub_active = pg_catalog.now()
     where sub_queue = _main.sub_queue and sub_consumer = _main.sub_consumer;
    update pgq.subscription
       set sub_batch = _batch.batch_id, sub_last_tick = _batch.prev_tick_id, sub_next_tick = _batch.cur_tick_id, sub_active = pg_catalog.now()
     where sub_queue = _main.sub_queue and sub_consumer = _sub.sub_consumer;
    return _batch.batch_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq_coop.next_batch_custom(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_min_lag interval, i_min_count integer, i_min_interval interval)
returns bigint as $$
begin
    return pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name, i_min_lag, i_min_count, i_min_interval, null);
end;
$$ language plpgsql;

create or replace function pgq_coop.finish_batch(i_batch_id bigint) returns integer as $$
begin
    update pgq.subscription
       set sub_last_tick = null, sub_next_tick = null, sub_batch = null, sub_active = pg_catalog.now()
     where sub_batch = i_batch_id;
    if not found then
        raise warning 'coop_finish_batch: batch % not found', i_batch_id;
        return 0;
    end if;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

-- 3.4 has these functions, without comments. ../upgrade/end.sql drops the others.
do $$
declare
    _sql text;
begin
    for _sql in
        select pg_catalog.format('comment on function %s is null', p.oid::regprocedure)
          from pg_catalog.pg_proc p
         where p.pronamespace = 'pgq_coop'::regnamespace
           and p.proname in ('version', 'register_subconsumer', 'unregister_subconsumer', 'next_batch', 'next_batch_custom', 'finish_batch')
    loop
        execute _sql;
    end loop;
end;
$$;
comment on schema pgq_coop is null;
