create or replace function pgq.ticker_state(
    out queue_name text,
    out event_seq bigint,
    out last_tick_id bigint,
    out last_tick_seq bigint,
    out last_tick_snapshot txid_snapshot,
    out due boolean,
    out cur_snapshot txid_snapshot)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.ticker_state(0)
--
--      What a ticker needs to see, cheaply and often, whether a queue that is
--      neither paused nor ticked from outside wants a tick.
--
-- Returns:
--      event_seq           - last id taken; 0: none was ever
--      last_tick_...       - newest tick
--      due                 - ticker_max_lag or ticker_max_count allow a tick,
--                            if there is something new
--      cur_snapshot        - to see which transactions of the newest tick's
--                            snapshot have ended
--
-- An SQL function would be planned anew for each call.
-- ----------------------------------------------------------------------
begin
    return query
        select s.queue_name, s.event_seq, s.tick_id, s.tick_event_seq, s.tick_snapshot,
               s.event_seq - s.tick_event_seq >= s.queue_ticker_max_count
                   or pg_catalog.now() - s.tick_time >= s.queue_ticker_max_lag,
               pg_catalog.txid_current_snapshot()
          from (select q.queue_name, q.queue_ticker_max_count, q.queue_ticker_max_lag,
                       coalesce(pg_catalog.pg_sequence_last_value(h.seq), 0) as event_seq,
                       t.tick_id, t.tick_time, t.tick_event_seq, t.tick_snapshot
                  from pgq.queue q
                 cross join lateral pgq._hold_queue(q.queue_id, q.queue_event_seq) h (seq)
                  left join lateral (
                        select t.tick_id, t.tick_time, t.tick_event_seq, t.tick_snapshot
                          from pgq.tick t
                         where t.tick_queue = q.queue_id
                         order by t.tick_id desc
                         limit 1) t on true
                 where not q.queue_external_ticker and not q.queue_ticker_paused and h.seq is not null) s
         order by s.queue_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker_state() is 'What a ticker polls to see which queues want a tick';
