create function pgq.batch_event_tables(x_batch_id bigint)
returns setof text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.batch_event_tables(1)
--
--      Event tables that may hold events of a batch, oldest first.
--
--      See structure/tables.sql, event_table: a table is left out if the
--      batch's end does not see that it was ever current, or if its start
--      sees that all who wrote to it had ended.
--
-- Errors:
--      Cannot find data for batch
-- ----------------------------------------------------------------------
begin
    return query
        select q.queue_data_pfx || '_' || et.et_num
          from pgq._batch(x_batch_id) b
          join pgq.queue q on q.queue_id = b.queue_id
          join pgq.tick pt on pt.tick_queue = b.queue_id and pt.tick_id = b.prev_tick
          join pgq.tick ct on ct.tick_queue = b.queue_id and ct.tick_id = b.cur_tick
          join pgq.event_table et on et.et_queue = b.queue_id
         where pg_catalog.txid_visible_in_snapshot(et.et_opened, ct.tick_snapshot)
           and pg_catalog.txid_visible_in_snapshot(et.et_drained, pt.tick_snapshot) is not true
         order by et.et_opened, et.et_num;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.batch_event_tables(bigint) is 'Event tables that may hold events of a batch, oldest first';
