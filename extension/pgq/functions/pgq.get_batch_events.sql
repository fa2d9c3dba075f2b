create or replace function pgq.get_batch_events(
    in x_batch_id bigint,
    out ev_id bigint,
    out ev_time timestamptz,
    out ev_txid bigint,
    out ev_retry integer,
    out ev_type text,
    out ev_data text,
    out ev_extra1 text,
    out ev_extra2 text,
    out ev_extra3 text,
    out ev_extra4 text)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_batch_events(1)
--
--      Events of an open batch, ordered by event id. For large batches rather
--      COPY the query of pgq.batch_event_sql(), which streams.
--
-- Errors:
--      batch not found
-- ----------------------------------------------------------------------
begin
    return query execute pgq.batch_event_sql(x_batch_id);
exception
    -- another session has just ended the batch, and rotation dropped a table
    when undefined_table then
        raise exception 'batch not found';
end;
$$ language plpgsql;
comment on function pgq.get_batch_events(bigint) is 'Events of an open batch, ordered by event id';
