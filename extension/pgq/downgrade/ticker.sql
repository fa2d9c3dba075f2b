-- ----------------------------------------------------------------------
-- Functions of 3.5, see queues.sql: ticks, made under the lock of the queue's row.
-- ----------------------------------------------------------------------

create or replace function pgq.ticker(i_queue_name text) returns bigint as $$
declare
    _q record;
    _last record;
    _seq bigint;
    _gap interval;
    _lag interval;
    _tick_id bigint;
begin
    select q.* into _q from pgq.queue q where q.queue_name = i_queue_name for no key update;
    if not found then
        raise exception 'no such queue';
    elsif _q.queue_external_ticker then
        raise exception 'This queue has external tick source.';
    elsif _q.queue_ticker_paused then
        raise exception 'Ticker has been paused for this queue';
    end if;

    _seq := pgq.seq_getval(_q.queue_event_seq);
    select t.* into _last from pgq.tick t where t.tick_queue = _q.queue_id order by t.tick_id desc limit 1;
    if found then
        if pg_catalog.txid_snapshot_xmin(_last.tick_snapshot) > pg_catalog.txid_current() then
            raise exception 'Invalid PgQ state: old xmin=%, old xmax=%, cur txid=%',
                pg_catalog.txid_snapshot_xmin(_last.tick_snapshot), pg_catalog.txid_snapshot_xmax(_last.tick_snapshot), pg_catalog.txid_current();
        end if;
        _lag := pg_catalog.now() - _last.tick_time;
        if _seq > _last.tick_event_seq then
            if _seq - _last.tick_event_seq < _q.queue_ticker_max_count and _lag < _q.queue_ticker_max_lag then
                return null;
            end if;
        else
            select _last.tick_time - t.tick_time into _gap
              from pgq.tick t
             where t.tick_queue = _q.queue_id and t.tick_id < _last.tick_id
             order by t.tick_id desc
             limit 1;
            if found and not (_lag >= _q.queue_ticker_max_lag / 2 and (_lag >= 2 * _gap or _lag >= _q.queue_ticker_idle_period)) then
                return null;
            end if;
            if _seq < _last.tick_event_seq then
                raise warning 'Negative new_events?  old=% cur=%', _last.tick_event_seq, _seq;
            end if;
        end if;
    end if;

    insert into pgq.tick (tick_queue, tick_id, tick_event_seq)
    values (_q.queue_id, pg_catalog.nextval(_q.queue_tick_seq::regclass), _seq)
    returning tick_id into _tick_id;
    return _tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.ticker(i_queue_name text, i_tick_id bigint, i_orig_timestamp timestamptz, i_event_seq bigint) returns bigint as $$
declare
    _q record;
begin
    select q.queue_id, q.queue_tick_seq, q.queue_event_seq into _q
      from pgq.queue q
     where q.queue_name = i_queue_name and q.queue_external_ticker and not q.queue_ticker_paused
       for no key update;
    if not found then
        raise exception 'queue not found or ticker disabled: %', i_queue_name;
    end if;
    insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq) values (_q.queue_id, i_tick_id, i_orig_timestamp, i_event_seq);
    perform pgq.seq_setval(_q.queue_tick_seq, i_tick_id), pgq.seq_setval(_q.queue_event_seq, i_event_seq);
    return i_tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.ticker() returns bigint as $$
declare
    _name text;
    _count bigint := 0;
begin
    for _name in
        select q.queue_name from pgq.queue q where not q.queue_external_ticker and not q.queue_ticker_paused order by q.queue_name
    loop
        if pgq.ticker(_name) > 0 then
            _count := _count + 1;
        end if;
    end loop;
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.force_tick(i_queue_name text) returns bigint as $$
declare
    _q record;
begin
    select q.* into _q from pgq.queue q where q.queue_name = i_queue_name;
    if not found then
        return null;
    end if;
    if not (_q.queue_external_ticker or _q.queue_ticker_paused) then
        perform pg_catalog.nextval(_q.queue_event_seq::regclass) from pg_catalog.generate_series(0, _q.queue_ticker_max_count * 2 + 1000);
    end if;
    return (select max(t.tick_id) from pgq.tick t where t.tick_queue = _q.queue_id);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
