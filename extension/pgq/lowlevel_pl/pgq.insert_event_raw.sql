create or replace function pgq.insert_event_raw(
    queue_name text,
    ev_id bigint,
    ev_time timestamptz,
    ev_owner integer,
    ev_retry integer,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event_raw(11)
--
--      Puts an event into a queue.
--
-- Parameters:
--      queue_name      - queue
--      ev_id           - NULL: from the sequence
--      ev_time         - NULL: now()
--      ev_owner        - sub_id of the only consumer to see it; NULL: all
--      ev_retry        - how often it was retried; NULL: never
--      ev_type .. ev_extra4 - what the consumer gets
--
-- Returns:
--      event id
--
-- Errors:
--      Queue name must not be NULL
--      No such queue
--      Insert into queue disallowed
--      Queue allows max n events from one TX
--      serialization_failure: the queue was rotated after the snapshot of a
--      transaction in REPEATABLE READ or SERIALIZABLE
-- ----------------------------------------------------------------------
begin
    return pgq._put_event(queue_name, ev_id, ev_time, ev_owner, ev_retry,
        ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq.insert_event_raw(text, bigint, timestamptz, integer, integer, text, text, text, text, text, text)
    is 'Puts an event into a queue with all its fields given; returns its id';
