create or replace function pgq.next_batch_custom(
    in i_queue_name text,
    in i_consumer_name text,
    in i_min_lag interval,
    in i_min_count integer,
    in i_min_interval interval,
    out batch_id bigint,
    out cur_tick_id bigint,
    out prev_tick_id bigint,
    out cur_tick_time timestamptz,
    out prev_tick_time timestamptz,
    out cur_tick_event_seq bigint,
    out prev_tick_event_seq bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq.next_batch_custom(5)
--
--      Opens the consumer's next batch. A batch that is open already is
--      returned again, whatever the conditions say.
--
-- Parameters:
--      i_queue_name    - queue
--      i_consumer_name - consumer
--      i_min_lag       - only a tick at least this old ends a batch
--      i_min_count     - at least this many events, or
--      i_min_interval  - at least this much time between the ticks
--
-- Returns:
--      one row; all NULL if there is nothing to do yet
--
-- Errors:
--      Not subscriber to queue
--      PgQ corruption: the tick of the position is gone
-- ----------------------------------------------------------------------
begin
    select f.batch_id, f.cur_tick_id, f.prev_tick_id, f.cur_tick_time, f.prev_tick_time,
           f.cur_tick_event_seq, f.prev_tick_event_seq
      into batch_id, cur_tick_id, prev_tick_id, cur_tick_time, prev_tick_time,
           cur_tick_event_seq, prev_tick_event_seq
      from pgq._next_batch(i_queue_name, i_consumer_name, i_min_lag, i_min_count, i_min_interval, null) f;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.next_batch_custom(text, text, interval, integer, interval)
    is 'Opens the next batch of a consumer under conditions; all NULL: nothing to do yet';
