-- ----------------------------------------------------------------------
-- Positions are read and written through the functions; tables and views
-- belong to their owner alone.
-- ----------------------------------------------------------------------

grant usage on schema pgq_ext to public;

revoke all on function
    pgq_ext._tracker_lock(text, text, text),
    pgq_ext._tracker_put(integer, bigint, bigint),
    pgq_ext._tracker_write(),
    pgq_ext.upgrade_schema(),
    pgq_ext.is_batch_done(text, bigint),
    pgq_ext.is_batch_done(text, text, bigint),
    pgq_ext.set_batch_done(text, bigint),
    pgq_ext.set_batch_done(text, text, bigint),
    pgq_ext.is_event_done(text, bigint, bigint),
    pgq_ext.is_event_done(text, text, bigint, bigint),
    pgq_ext.set_event_done(text, bigint, bigint),
    pgq_ext.set_event_done(text, text, bigint, bigint),
    pgq_ext.get_last_tick(text),
    pgq_ext.get_last_tick(text, text),
    pgq_ext.set_last_tick(text, bigint),
    pgq_ext.set_last_tick(text, text, bigint)
from public;

grant execute on function
    pgq_ext.is_batch_done(text, bigint),
    pgq_ext.is_batch_done(text, text, bigint),
    pgq_ext.set_batch_done(text, bigint),
    pgq_ext.set_batch_done(text, text, bigint),
    pgq_ext.is_event_done(text, bigint, bigint),
    pgq_ext.is_event_done(text, text, bigint, bigint),
    pgq_ext.set_event_done(text, bigint, bigint),
    pgq_ext.set_event_done(text, text, bigint, bigint),
    pgq_ext.get_last_tick(text),
    pgq_ext.get_last_tick(text, text),
    pgq_ext.set_last_tick(text, bigint),
    pgq_ext.set_last_tick(text, text, bigint),
    -- 3.1 grants it to pgq_writer too; it changes nothing once installed
    pgq_ext.upgrade_schema()
to pgq_writer;

grant execute on function pgq_ext.version() to public;
