create or replace function pgq.rebase()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.rebase(0)
--
--      For a database that was restored from a dump into a server whose
--      transaction ids are lower. Ticks and events hold ids of the server that
--      was dumped: here these lie in the future, where no new event can come
--      after them, and the ticker refuses to work.
--
--      Only one thing about an event's id matters: the first tick that sees it.
--      So ticks and events of a queue get the smallest ids that keep this: an
--      event gets the number of that tick, a tick a snapshot that sees all ids
--      up to its own number. Each batch holds the events that it held before.
--
--      Call it before anybody writes to the queues. What was put in after the
--      restore all the same can be told by the id of its row, which is not older
--      than that of its event; where that is not sure, the event is taken for a
--      new one and delivered again, rather than never.
--
--      All queues are locked until the end of the transaction.
--
-- Returns:
--      number of queues that were changed; 0: the ids are in order
--
-- Errors:
--      active_sql_transaction: not in READ COMMITTED
-- ----------------------------------------------------------------------
declare
    -- ids of the first tick's events, the smallest that PostgreSQL gives out
    _base constant bigint := 3;
    _q record;
    _table text;
    _count integer := 0;
    _next bigint;
    _restored bigint;
    _events bigint;
    _ticks integer;
    _xmax bigint[];
    _open bigint[];
    _open_tick integer[];
    _need bigint := 0;
begin
    perform pgq._assert_read_committed('pgq.rebase');
    -- writers lock their event table first
    lock table pgq.event_template in access exclusive mode;
    lock table pgq.queue, pgq.tick, pgq.event_table in access exclusive mode;
    _next := pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot());
    -- rows of pg_type are hardly ever written again
    select _next - ((_next - xmin::text::bigint) & 4294967295) into _restored
      from pg_catalog.pg_type
     where oid = 'pgq.tick'::regtype;

    for _q in select * from pgq.queue order by queue_id loop
        execute 'select max(ev_txid) from ' || pgq.quote_fqname(_q.queue_data_pfx) into _events;
        select count(*), pg_catalog.array_agg(t.xmax order by t.tick_id) into _ticks, _xmax
          from (select tick_id, max(pg_catalog.txid_snapshot_xmax(tick_snapshot)) over (order by tick_id) as xmax
                  from pgq.tick
                 where tick_queue = _q.queue_id) t;
        continue when greatest(_events, _xmax[_ticks] - 1, _q.queue_switch_step1, _q.queue_switch_step2,
                               (select max(greatest(et_opened, et_drained)) from pgq.event_table where et_queue = _q.queue_id))
                      < _next;

        -- the first tick that sees an id is the first with a higher xmax, but
        -- for the ids that were open at a tick
        with ticks as (
            select pg_catalog.row_number() over (order by tick_id) as n, tick_snapshot as snap
              from pgq.tick
             where tick_queue = _q.queue_id
        )
        select pg_catalog.array_agg(o.id), pg_catalog.array_agg(coalesce(
                   (select min(ticks.n) from ticks where pg_catalog.txid_visible_in_snapshot(o.id, ticks.snap)), _ticks + 1))
          into _open, _open_tick
          from (select distinct x.id from ticks, pg_catalog.txid_snapshot_xip(ticks.snap) x (id)) o;

        for _table in
            select _q.queue_data_pfx || '_' || et_num from pgq.event_table where et_queue = _q.queue_id
        loop
            execute 'update ' || pgq.quote_fqname(_table) || ' e'
                || ' set ev_txid = case'
                || '     when e.ev_txid >= $1 and e.ev_txid <= $2 - (($2 - e.xmin::text::bigint) & 4294967295) then $3 + $4'
                || '     else m.id end'
                || ' from (select d.ev_txid, pgq._rebase_id(d.ev_txid, $3, $5, $6, $7) as id'
                || '         from (select distinct ev_txid from ' || pgq.quote_fqname(_table) || ') d) m'
                || ' where m.ev_txid = e.ev_txid'
              using _restored, _next, _base, _ticks, _xmax, _open, _open_tick;
        end loop;
        update pgq.event_table
           set et_opened = pgq._rebase_id(et_opened, _base, _xmax, _open, _open_tick),
               et_drained = pgq._rebase_id(et_drained, _base, _xmax, _open, _open_tick)
         where et_queue = _q.queue_id;
        update pgq.queue
           set queue_switch_step1 = pgq._rebase_id(queue_switch_step1, _base, _xmax, _open, _open_tick),
               queue_switch_step2 = pgq._rebase_id(queue_switch_step2, _base, _xmax, _open, _open_tick)
         where queue_id = _q.queue_id;
        update pgq.tick t
           set tick_snapshot = pg_catalog.format('%s:%s:', _base + r.n, _base + r.n)::txid_snapshot
          from (select tick_id, pg_catalog.row_number() over (order by tick_id) as n
                  from pgq.tick
                 where tick_queue = _q.queue_id) r
         where t.tick_queue = _q.queue_id
           and t.tick_id = r.tick_id;

        _need := greatest(_need, _base + _ticks + 1);
        _count := _count + 1;
    end loop;

    -- A new server may not have given out so many ids yet: each subtransaction
    -- that writes takes one.
    for i in pg_catalog.txid_current() .. _need loop
        begin
            perform pg_catalog.pg_logical_emit_message(true, 'pgq', '');
        exception
            when no_data_found then null;
        end;
    end loop;
    return _count;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq.rebase() is 'After a restore into a server with lower transaction ids: gives ticks and events ids of this one';
