create or replace function pgq.insert_events(
    queue_name text,
    ev_type text[],
    ev_data text[],
    ev_extra1 text[] default null,
    ev_extra2 text[] default null,
    ev_extra3 text[] default null,
    ev_extra4 text[] default null)
-- ----------------------------------------------------------------------
-- Function: pgq.insert_events(7)
--
--      Puts many events into a queue, as part of the current transaction:
--      one for each element of the arrays, in their order.
--
-- Parameters:
--      queue_name      - queue
--      ev_type .. ev_extra4 - arrays of one length; NULL: the field is NULL in
--                        all events
--
-- Returns:
--      number of events
--
-- Errors:
--      Arrays of events differ in length
--      those of pgq.insert_event_raw()
-- ----------------------------------------------------------------------
returns integer as '$libdir/pgq4_lowlevel', 'pgq_insert_events' language c security definer;
comment on function pgq.insert_events(text, text[], text[], text[], text[], text[], text[])
    is 'Puts many events into a queue, given as arrays; returns how many';
