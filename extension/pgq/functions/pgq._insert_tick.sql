create or replace function pgq._insert_tick(
    i_queue_id integer,
    i_tick_id bigint,
    i_tick_time timestamptz,
    i_event_seq bigint)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._insert_tick(4)
--
--      Writes a tick with the snapshot of now, and tells the consumers.
--
--      The caller holds the queue's row lock: were two ticks of a queue taken
--      at once, the later id could get the older snapshot, and a batch between
--      them would repeat events.
--
--      A snapshot leaves out the transaction that takes it. Events that this
--      transaction put in are not committed yet, so it must count as open.
-- ----------------------------------------------------------------------
declare
    _snap txid_snapshot;
    _me bigint := pg_catalog.txid_current();
begin
    -- a statement of its own: its snapshot is newer than the lock
    _snap := pg_catalog.txid_current_snapshot();
    if pg_catalog.txid_visible_in_snapshot(_me, _snap) then
        _snap := (select pg_catalog.format('%s:%s:%s',
                         least(_me, pg_catalog.txid_snapshot_xmin(_snap)),
                         pg_catalog.txid_snapshot_xmax(_snap),
                         pg_catalog.string_agg(x.id::text, ',' order by x.id))
                    from (select _me as id
                          union all
                          select pg_catalog.txid_snapshot_xip(_snap)) x)::txid_snapshot;
    end if;

    insert into pgq.tick (tick_queue, tick_id, tick_time, tick_snapshot, tick_event_seq)
    values (i_queue_id, i_tick_id, i_tick_time, _snap, i_event_seq);

    -- payloads are limited to 8000 bytes; without it, consumers poll
    perform pg_catalog.pg_notify('pgq', q.queue_name || ':' || i_tick_id)
       from pgq.queue q
      where q.queue_id = i_queue_id
        and pg_catalog.octet_length(q.queue_name) < 7900;
end;
$$ language plpgsql;
comment on function pgq._insert_tick(integer, bigint, timestamptz, bigint)
    is 'internal: writes a tick of a queue whose row the caller has locked';
