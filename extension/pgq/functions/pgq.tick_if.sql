create or replace function pgq.tick_if(i_queue_name text, i_last_tick_id bigint)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.tick_if(2)
--
--      Makes a tick if the newest one is still the one that the caller knows.
--      A ticker that has seen in pgq.ticker_state() that one is wanted calls
--      it; if another one was faster, nothing happens.
--
-- Returns:
--      new tick's id, or NULL
--
-- Errors:
--      as pgq.ticker(1)
-- ----------------------------------------------------------------------
declare
    _q record;
    _seq bigint;
    _tick_id bigint;
begin
    select q.queue_id, q.queue_tick_seq, q.queue_event_seq into _q
      from pgq.queue q
     where q.queue_name = i_queue_name
       and not q.queue_external_ticker
       and not q.queue_ticker_paused;
    if not found then
        return null;
    end if;
    -- Read before the lock, which gives this transaction its id: the events up
    -- to here are of transactions with lower ids. That is how the ticker knows
    -- whose end it has to wait for.
    _seq := coalesce(pg_catalog.pg_sequence_last_value(_q.queue_event_seq::regclass), 1);
    if not pgq._lock_for_tick(_q.queue_id, false) then
        return null;
    end if;
    if (select pg_catalog.max(t.tick_id) from pgq.tick t where t.tick_queue = _q.queue_id)
       is distinct from i_last_tick_id
    then
        return null;
    end if;
    _tick_id := pg_catalog.nextval(_q.queue_tick_seq::regclass);
    perform pgq._insert_tick(_q.queue_id, _tick_id, pg_catalog.now(), _seq);
    return _tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.tick_if(text, bigint) is 'Makes a tick if the newest one is still the given one; returns its id or NULL';
