create function pgq.ticker(i_queue_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.ticker(1)
--
--      Makes a tick if the queue's settings ask for one: enough new events,
--      old enough ones, or an idle period that is over. Idle periods double up
--      to ticker_idle_period.
--
--      Only one tick of a queue is made at a time; a second ticker finds
--      nothing to do. The decision comes before the lock, so that a call which
--      makes no tick writes nothing.
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
declare
    _q record;
    _event_seq regclass;
    _last record;
    _seq bigint;
    _new bigint;
    _lag interval;
    _gap interval;
    _tick_id bigint;
    _locked boolean := false;
begin
    loop
        select q.* into _q from pgq.queue q where q.queue_name = i_queue_name;
        if not found then
            raise exception 'no such queue';
        end if;
        if _q.queue_external_ticker then
            raise exception 'This queue has external tick source.';
        end if;
        if _q.queue_ticker_paused then
            raise exception 'Ticker has been paused for this queue';
        end if;

        _event_seq := pgq._hold_queue(_q.queue_id, _q.queue_event_seq);
        if _event_seq is null then
            raise exception 'no such queue';
        end if;
        -- read before the snapshot is taken: events after it are in a later batch
        _seq := coalesce(pg_catalog.pg_sequence_last_value(_event_seq), 1);

        select t.tick_id, t.tick_time, t.tick_snapshot, t.tick_event_seq into _last
          from pgq.tick t
         where t.tick_queue = _q.queue_id
         order by t.tick_id desc
         limit 1;
        if found then
            _new := _seq - _last.tick_event_seq;
            _lag := pg_catalog.now() - _last.tick_time;
            if _new > 0 then
                if _new < _q.queue_ticker_max_count and _lag < _q.queue_ticker_max_lag then
                    return null;
                end if;
            else
                select _last.tick_time - t.tick_time into _gap
                  from pgq.tick t
                 where t.tick_queue = _q.queue_id
                   and t.tick_id < _last.tick_id
                 order by t.tick_id desc
                 limit 1;
                if found and not (_lag >= _q.queue_ticker_max_lag / 2
                                  and (_lag >= 2 * _gap or _lag >= _q.queue_ticker_idle_period))
                then
                    return null;
                end if;
            end if;
        end if;

        exit when _locked;
        if not pgq._lock_for_tick(_q.queue_id, false) then
            return null;
        end if;
        _locked := true;
    end loop;

    if _last.tick_id is not null then
        if pg_catalog.txid_snapshot_xmin(_last.tick_snapshot) > pg_catalog.txid_current() then
            raise exception 'Invalid PgQ state: old xmin=%, old xmax=%, cur txid=%',
                pg_catalog.txid_snapshot_xmin(_last.tick_snapshot),
                pg_catalog.txid_snapshot_xmax(_last.tick_snapshot),
                pg_catalog.txid_current();
        end if;
        if _new < 0 then
            raise warning 'Negative new_events?  old=% cur=%', _last.tick_event_seq, _seq;
        end if;
        if pg_catalog.txid_snapshot_xmax(_last.tick_snapshot) > pg_catalog.txid_current() then
            raise warning 'Dubious PgQ state: old xmax=%, cur txid=%',
                pg_catalog.txid_snapshot_xmax(_last.tick_snapshot), pg_catalog.txid_current();
        end if;
    end if;

    _tick_id := pg_catalog.nextval(_q.queue_tick_seq::regclass);
    perform pgq._insert_tick(_q.queue_id, _tick_id, pg_catalog.now(), _seq);
    return _tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker(text) is 'Makes a tick if the queue''s settings ask for one; returns its id or NULL';

create function pgq.ticker(i_queue_name text, i_tick_id bigint, i_orig_timestamp timestamptz, i_event_seq bigint)
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

create function pgq.ticker()
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
        if pgq.ticker(_name) > 0 then
            _count := _count + 1;
        end if;
    end loop;
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.ticker() is 'Makes the ticks that are due on all queues; returns how many queues got one';
