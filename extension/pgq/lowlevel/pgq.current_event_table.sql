create or replace function pgq.current_event_table(x_queue_name text)
-- ----------------------------------------------------------------------
-- Function: pgq.current_event_table(1)
--
--      Name of the table to COPY events into, good until the end of the
--      current transaction: the table is locked for writing, which keeps it
--      from being taken for drained (pgq.event_table).
--
--      Such a writer gives ev_time itself and a column list.
--
-- Returns:
--      unquoted qualified name
--
-- Errors:
--      Event queue not found
--      Writing to queue disabled
-- ----------------------------------------------------------------------
returns text as '$libdir/pgq4_lowlevel', 'pgq_current_event_table' language c security definer;
comment on function pgq.current_event_table(text) is 'Table to COPY events into, good until the end of the transaction';
