create or replace function pgq.batch_event_sql(x_batch_id bigint)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.batch_event_sql(1)
--
--      The query that reads the events of a batch, ordered by event id. It
--      ends in " order by 1", which clients cut off to add conditions.
--
--      An event belongs to the batch if its transaction is visible in the
--      snapshot of the end tick and not in that of the start tick. Those
--      transactions are
--        - the ones that were not yet known at the start:
--          from xmax(start) on, to xmax(end), less those still open at the end;
--        - the ones that were open at the start and have ended at the end.
--      The second kind may lie far below the range (a transaction that was
--      open for hours), so it is read by id. Those close below the range
--      extend it, which is cheaper than one index probe each.
--
-- Errors:
--      batch not found
-- ----------------------------------------------------------------------
declare
    _b record;
    _start bigint;
    _end bigint;
    _ids bigint[] := array[]::bigint[];
    _txid bigint;
    _columns text := 'ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4';
    _owner text;
    _range text;
    _table text;
    _sql text := '';
begin
    select b.queue_id, b.sub_id, q.queue_data_pfx, pt.tick_snapshot as prev, ct.tick_snapshot as cur into _b
      from pgq._batch(x_batch_id) b
      join pgq.queue q on q.queue_id = b.queue_id
      join pgq.tick pt on pt.tick_queue = b.queue_id and pt.tick_id = b.prev_tick
      join pgq.tick ct on ct.tick_queue = b.queue_id and ct.tick_id = b.cur_tick;
    if not found then
        perform pgq._assert_logs();
        raise exception 'batch not found';
    end if;
    if pgq._hold_queue(_b.queue_id, _b.queue_data_pfx) is null then
        raise exception 'batch not found';
    end if;

    _start := pg_catalog.txid_snapshot_xmax(_b.prev);
    _end := pg_catalog.txid_snapshot_xmax(_b.cur);
    for _txid in
        select x from pg_catalog.txid_snapshot_xip(_b.prev) x
         where pg_catalog.txid_visible_in_snapshot(x, _b.cur)
         order by x desc
    loop
        if _txid >= _start - 100 then
            _start := _txid;
        else
            _ids := _ids || _txid;
        end if;
    end loop;

    _owner := pg_catalog.format('(ev_owner = %s or ev_owner is null)', _b.sub_id);
    -- from xmax(prev) on nothing is visible in prev, and without open
    -- transactions everything below xmax(cur) is visible in cur
    _range := pg_catalog.format('ev_txid >= %s and ev_txid < %s', _start, _end);
    if exists (select 1 from pg_catalog.txid_snapshot_xip(_b.cur)) then
        _range := _range || pg_catalog.format(' and pg_catalog.txid_visible_in_snapshot(ev_txid, %L)', _b.cur);
    end if;
    if _start < pg_catalog.txid_snapshot_xmax(_b.prev) then
        _range := _range || pg_catalog.format(' and not pg_catalog.txid_visible_in_snapshot(ev_txid, %L)', _b.prev);
    end if;

    for _table in select t from pgq._batch_tables(_b.queue_id, _b.prev, _b.cur) t loop
        if _sql <> '' then
            _sql := _sql || ' union all ';
        end if;
        _table := pgq.quote_fqname(_table);
        _sql := _sql || pg_catalog.format('select %s from %s where %s and %s', _columns, _table, _range, _owner);
        if pg_catalog.cardinality(_ids) > 0 then
            _sql := _sql || pg_catalog.format(' union all select %s from %s where ev_txid in (%s) and %s',
                _columns, _table, pg_catalog.array_to_string(_ids, ','), _owner);
        end if;
    end loop;
    if _sql = '' then
        if (select b.reg_id from pgq._batch(x_batch_id) b) is null then
            -- another session has just ended it
            raise exception 'batch not found';
        end if;
        raise exception 'could not construct sql for batch %', x_batch_id;
    end if;
    return _sql || ' order by 1';
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.batch_event_sql(bigint) is 'Query that reads the events of a batch, ordered by event id';
