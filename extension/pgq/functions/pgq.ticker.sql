create or replace function pgq.ticker(i_queue_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.ticker(1)
--
--      Makes a tick if the queue's settings ask for one: enough new events,
--      old enough ones, or an idle period that is over.
--
-- Returns:
--      new tick's id, or NULL if none was needed
--
-- Errors:
--      no such queue
--      This queue has external tick source.
--      Ticker has been paused for this queue
--      Invalid PgQ state: the cluster's transaction ids are below the tick's
--      active_sql_transaction: not in READ COMMITTED
-- ----------------------------------------------------------------------
begin
    return pgq._ticker(i_queue_name, true);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker(text) is 'Makes a tick if the queue''s settings ask for one; returns its id or NULL';

create or replace function pgq.ticker(i_queue_name text, i_tick_id bigint, i_orig_timestamp timestamptz, i_event_seq bigint)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.ticker(4)
--
--      Makes a tick with id, time and event sequence of its source, for a
--      queue that is a copy. The snapshot is the local one.
--
-- Parameters:
--      i_queue_name        - queue, with external ticker
--      i_tick_id           - id of the tick
--      i_orig_timestamp    - its time
--      i_event_seq         - its event sequence
--
-- Returns:
--      i_tick_id
--
-- Errors:
--      queue not found or ticker disabled
-- ----------------------------------------------------------------------
declare
    _q record;
begin
    select q.queue_id, q.queue_tick_seq, q.queue_event_seq into _q
      from pgq.queue q
     where q.queue_name = i_queue_name
       and q.queue_external_ticker
       and not q.queue_ticker_paused;
    if not found then
        raise exception 'queue not found or ticker disabled: %', i_queue_name;
    end if;
    if not pgq._lock_for_tick(_q.queue_id, true) then
        raise exception 'queue not found or ticker disabled: %', i_queue_name;
    end if;
    perform pgq._insert_tick(_q.queue_id, i_tick_id, i_orig_timestamp, i_event_seq);
    perform pgq.seq_setval(_q.queue_tick_seq, i_tick_id);
    perform pgq.seq_setval(_q.queue_event_seq, i_event_seq);
    return i_tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker(text, bigint, timestamptz, bigint) is 'Makes a tick of a copied queue, with id, time and sequence of its source';

create or replace function pgq.ticker()
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.ticker(0)
--
--      Runs pgq.ticker(1) for each queue that is neither paused nor ticked
--      from outside.
--
-- Returns:
--      number of queues that got a tick
-- ----------------------------------------------------------------------
declare
    _name text;
    _count bigint := 0;
begin
    for _name in
        select q.queue_name
          from pgq.queue q
         where not q.queue_external_ticker and not q.queue_ticker_paused
         order by q.queue_name
    loop
        if pgq._ticker(_name, false) > 0 then
            _count := _count + 1;
        end if;
    end loop;
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker() is 'Makes the ticks that are due on all queues; returns how many queues got one';
