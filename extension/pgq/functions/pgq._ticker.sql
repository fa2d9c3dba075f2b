create or replace function pgq._ticker(i_queue_name text, i_wanted boolean)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq._ticker(2)
--
--      Makes a tick if the queue's settings ask for one: enough new events,
--      old enough ones, or an idle period that is over. Idle periods double up
--      to ticker_idle_period.
--
--      Only one tick of a queue is made at a time; a second ticker finds
--      nothing to do. The decision comes before the lock, so that a call which
--      makes no tick writes nothing.
--
-- Parameters:
--      i_queue_name    - queue
--      i_wanted        - false: it is no error if the queue is not there, or
--                        not to be ticked; that may be since a moment ago
--
-- Returns:
--      new tick's id, or NULL if none was needed
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
        if not i_wanted and (_q.queue_id is null or _q.queue_external_ticker or _q.queue_ticker_paused) then
            return null;
        end if;
        if _q.queue_id is null then
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
            if not i_wanted then
                return null;
            end if;
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
                pg_catalog.txid_current()
                using hint = 'After a restore into a new server call pgq.rebase().';
        end if;
        if _new < 0 then
            raise warning 'Negative new_events?  old=% cur=%', _last.tick_event_seq, _seq;
        end if;
        -- not compared with the own id, which is older than a tick that another
        -- session has made since
        if pg_catalog.txid_snapshot_xmax(_last.tick_snapshot)
           > pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())
        then
            raise warning 'Dubious PgQ state: old xmax=%, cur txid=%',
                pg_catalog.txid_snapshot_xmax(_last.tick_snapshot), pg_catalog.txid_current();
        end if;
    end if;

    _tick_id := pg_catalog.nextval(_q.queue_tick_seq::regclass);
    perform pgq._insert_tick(_q.queue_id, _tick_id, pg_catalog.now(), _seq);
    return _tick_id;
end;
$$ language plpgsql;
comment on function pgq._ticker(text, boolean) is 'internal: makes a tick of a queue if its settings ask for one';
