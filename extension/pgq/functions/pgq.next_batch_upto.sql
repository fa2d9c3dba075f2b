create or replace function pgq.next_batch_upto(
    in i_queue_name text,
    in i_consumer_name text,
    in i_max_count integer,
    out batch_id bigint,
    out cur_tick_id bigint,
    out prev_tick_id bigint,
    out cur_tick_time timestamptz,
    out prev_tick_time timestamptz,
    out cur_tick_event_seq bigint,
    out prev_tick_event_seq bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq.next_batch_upto(3)
--
--      Opens the consumer's next batch, over as many ticks as hold about
--      i_max_count events, but at least to the next tick. A consumer that is
--      behind catches up in few large batches, one that is not gets each tick
--      as it comes.
--
-- Returns:
--      one row; all NULL if there is nothing to do yet
--
-- Errors:
--      as pgq.next_batch_custom()
-- ----------------------------------------------------------------------
begin
    select f.batch_id, f.cur_tick_id, f.prev_tick_id, f.cur_tick_time, f.prev_tick_time,
           f.cur_tick_event_seq, f.prev_tick_event_seq
      into batch_id, cur_tick_id, prev_tick_id, cur_tick_time, prev_tick_time,
           cur_tick_event_seq, prev_tick_event_seq
      from pgq._next_batch(i_queue_name, i_consumer_name, null, null, null, i_max_count) f;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.next_batch_upto(text, text, integer)
    is 'Opens the next batch of a consumer, over as many ticks as hold about so many events; all NULL: nothing to do yet';
