create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_time timestamptz)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.event_retry(3a)
--
--      Asks for an event of an open batch again, not before the given time.
--      The batch is then finished as ever.
--
-- Returns:
--      1 - will come again
--      0 - was asked for already, and has not come yet
--
-- Errors:
--      event not found
-- ----------------------------------------------------------------------
declare
    _b record;
    _found integer;
    _stored integer;
begin
    select * into _b from pgq._lock_batch(x_batch_id);
    if _b.reg_id is null then
        raise exception 'event not found';
    end if;
    execute 'with ev as materialized (select * from ('
         || pg_catalog.left(pgq.batch_event_sql(x_batch_id), -pg_catalog.length(' order by 1'))
         || ') as evs where ev_id = $4 limit 1), stored as ('
         || 'insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' select $1, $2, ev_id, ev_time, null, $3, coalesce(ev_retry, 0) + 1,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from ev'
         || ' on conflict (ev_owner, ev_id) do nothing returning 1)'
         || ' select (select count(*) from ev), (select count(*) from stored)'
       into _found, _stored
      using x_retry_time, _b.queue_id, _b.sub_id, x_event_id;
    if _found = 0 then
        raise exception 'event not found';
    end if;
    return _stored;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.event_retry(bigint, bigint, timestamptz) is 'Asks for an event of an open batch again, not before the given time';

create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_seconds integer)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.event_retry(3b)
--
--      Asks for an event of an open batch again, after so many seconds.
-- ----------------------------------------------------------------------
begin
    return pgq.event_retry(x_batch_id, x_event_id,
        current_timestamp + pg_catalog.make_interval(secs => x_retry_seconds));
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.event_retry(bigint, bigint, integer) is 'Asks for an event of an open batch again, after so many seconds';
