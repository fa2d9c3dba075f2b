create or replace function pgq.force_tick(i_queue_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.force_tick(1)
--
--      Makes the next pgq.ticker() call tick: moves the event sequence so far
--      ahead that there seem to be enough new events. Does not tick itself;
--      the caller waits for an id above the returned one.
--
-- Returns:
--      id of the newest tick, or NULL if there is none
-- ----------------------------------------------------------------------
declare
    _q record;
begin
    select q.queue_id, q.queue_event_seq, q.queue_ticker_max_count,
           q.queue_external_ticker or q.queue_ticker_paused as off
      into _q
      from pgq.queue q
     where q.queue_name = i_queue_name;
    if not found then
        return null;
    end if;
    if not _q.off then
        -- one by one, since setval() could fall behind a producer's nextval()
        -- and hand out ids twice
        perform pg_catalog.nextval(s.seq)
           from (select pgq._hold_queue(_q.queue_id, _q.queue_event_seq) as seq offset 0) s,
                pg_catalog.generate_series(0, _q.queue_ticker_max_count * 2 + 1000);
    end if;
    return (select pg_catalog.max(t.tick_id) from pgq.tick t where t.tick_queue = _q.queue_id);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.force_tick(text) is 'Makes the next ticker call tick; returns the newest tick''s id';
