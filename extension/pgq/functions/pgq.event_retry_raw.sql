create or replace function pgq.event_retry_raw(
    x_queue text,
    x_consumer text,
    x_retry_after timestamptz,
    x_ev_id bigint,
    x_ev_time timestamptz,
    x_ev_retry integer,
    x_ev_type text,
    x_ev_data text,
    x_ev_extra1 text,
    x_ev_extra2 text,
    x_ev_extra3 text,
    x_ev_extra4 text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.event_retry_raw(12)
--
--      Puts an event straight into the retry queue of a consumer.
--
-- Returns:
--      event id; one of the queue's sequence if x_ev_id is NULL
--
-- Errors:
--      consumer not registered
-- ----------------------------------------------------------------------
declare
    _q record;
    _id bigint := x_ev_id;
begin
    select q.queue_id, q.queue_event_seq, r.sub_id into _q
      from pgq.registration r
      join pgq.queue q on q.queue_id = r.sub_queue
      join pgq.consumer c on c.co_id = r.sub_consumer
     where q.queue_name = x_queue
       and c.co_name = x_consumer;
    if not found then
        raise exception 'consumer not registered';
    end if;
    if _id is null then
        _id := pg_catalog.nextval(pgq._hold_queue(_q.queue_id, _q.queue_event_seq));
    end if;
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_retry,
                                 ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    values (x_retry_after, _q.queue_id, _id, x_ev_time, _q.sub_id, x_ev_retry,
            x_ev_type, x_ev_data, x_ev_extra1, x_ev_extra2, x_ev_extra3, x_ev_extra4);
    return _id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.event_retry_raw(text, text, timestamptz, bigint, timestamptz, integer, text, text, text, text, text, text)
    is 'Puts an event straight into the retry queue of a consumer';
