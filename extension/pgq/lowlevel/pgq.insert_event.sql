create or replace function pgq.insert_event(
    queue_name text,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text)
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event(7)
--
--      Puts an event into a queue, as part of the current transaction.
--
-- Returns:
--      event id
--
-- Errors:
--      those of pgq.insert_event_raw()
-- ----------------------------------------------------------------------
returns bigint as '$libdir/pgq4_lowlevel', 'pgq_insert_event' language c security definer;
comment on function pgq.insert_event(text, text, text, text, text, text, text)
    is 'Puts an event with extra fields into a queue; returns its id';

create or replace function pgq.insert_event(queue_name text, ev_type text, ev_data text)
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event(3)
--
--      Puts an event into a queue, as part of the current transaction.
--
-- Returns:
--      event id
--
-- Errors:
--      those of pgq.insert_event_raw()
-- ----------------------------------------------------------------------
returns bigint as '$libdir/pgq4_lowlevel', 'pgq_insert_event' language c security definer;
comment on function pgq.insert_event(text, text, text) is 'Puts an event into a queue; returns its id';
