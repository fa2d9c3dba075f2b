create or replace function pgq.batch_retry(i_batch_id bigint, i_retry_seconds integer)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.batch_retry(2)
--
--      Asks for all events of an open batch again, after so many seconds.
--
-- Returns:
--      number of events that were not asked for already
--
-- Errors:
--      batch_retry: batch not found
-- ----------------------------------------------------------------------
declare
    _b record;
    _count integer;
begin
    select * into _b from pgq._lock_batch(i_batch_id);
    if _b.reg_id is null then
        raise exception 'batch_retry: batch % not found', i_batch_id;
    end if;
    execute 'insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' select $1, $2, ev_id, ev_time, null, $3, coalesce(ev_retry, 0) + 1,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
         || ' from (' || pgq.batch_event_sql(i_batch_id) || ') as evs'
         || ' on conflict (ev_owner, ev_id) do nothing'
      using current_timestamp + pg_catalog.make_interval(secs => i_retry_seconds), _b.queue_id, _b.sub_id;
    get diagnostics _count = row_count;
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.batch_retry(bigint, integer) is 'Asks for all events of an open batch again, after so many seconds';
