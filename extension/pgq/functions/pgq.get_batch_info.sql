create or replace function pgq.get_batch_info(
    in x_batch_id bigint,
    out queue_name text,
    out consumer_name text,
    out batch_start timestamptz,
    out batch_end timestamptz,
    out prev_tick_id bigint,
    out tick_id bigint,
    out lag interval,
    out seq_start bigint,
    out seq_end bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_batch_info(1)
--
--      Where an open batch begins and ends, and whose it is.
--
-- Returns:
--      all NULL if no such batch is open
-- ----------------------------------------------------------------------
begin
    select q.queue_name, c.co_name, pt.tick_time, ct.tick_time, pt.tick_id, ct.tick_id,
           pg_catalog.now() - ct.tick_time, pt.tick_event_seq, ct.tick_event_seq
      into queue_name, consumer_name, batch_start, batch_end, prev_tick_id, tick_id,
           lag, seq_start, seq_end
      from pgq._batch(x_batch_id) b
      join pgq.queue q on q.queue_id = b.queue_id
      join pgq.consumer c on c.co_id = b.consumer_id
      join pgq.tick pt on pt.tick_queue = b.queue_id and pt.tick_id = b.prev_tick
      join pgq.tick ct on ct.tick_queue = b.queue_id and ct.tick_id = b.cur_tick;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.get_batch_info(bigint) is 'Queue, consumer, ticks and lag of an open batch';
