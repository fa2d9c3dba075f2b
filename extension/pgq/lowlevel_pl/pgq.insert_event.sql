create or replace function pgq.insert_event(
    queue_name text,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event(7)
--
--      Puts an event into a queue, as part of the current transaction.
--
-- Returns:
--      event id
-- ----------------------------------------------------------------------
begin
    return pgq._put_event(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.insert_event(text, text, text, text, text, text, text)
    is 'Puts an event with extra fields into a queue; returns its id';

create or replace function pgq.insert_event(queue_name text, ev_type text, ev_data text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event(3)
--
--      Puts an event into a queue, as part of the current transaction.
--
-- Returns:
--      event id
-- ----------------------------------------------------------------------
begin
    return pgq._put_event(queue_name, null, null, null, null, ev_type, ev_data, null, null, null, null);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.insert_event(text, text, text) is 'Puts an event into a queue; returns its id';
