create or replace function pgq.batch_event_tables(x_batch_id bigint)
returns setof text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.batch_event_tables(1)
--
--      Event tables that may hold events of a batch, oldest first.
--
-- Errors:
--      Cannot find data for batch
-- ----------------------------------------------------------------------
begin
    return query
        select t
          from pgq._batch(x_batch_id) b
          join pgq.tick pt on pt.tick_queue = b.queue_id and pt.tick_id = b.prev_tick
          join pgq.tick ct on ct.tick_queue = b.queue_id and ct.tick_id = b.cur_tick
         cross join lateral pgq._batch_tables(b.queue_id, pt.tick_snapshot, ct.tick_snapshot) t;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.batch_event_tables(bigint) is 'Event tables that may hold events of a batch, oldest first';
