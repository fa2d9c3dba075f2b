create or replace function pgq_ext.is_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.is_event_done(4)
--
--      Asks whether an event of the batch in work has been tagged as done.
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
--      a_batch_id      - batch id from the queue's database
--      a_event_id      - event id
-- Returns:
--      true if it has
-- ----------------------------------------------------------------------
begin
    return exists (
        select 1
          from pgq_ext.completed_event e
         where e.consumer_id = a_consumer
           and e.subconsumer_id = a_subconsumer
           and e.batch_id = a_batch_id
           and e.event_id = a_event_id);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.is_event_done(text, text, bigint, bigint)
    is 'Is this event of the batch in work done? (with subconsumer)';

create or replace function pgq_ext.is_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.is_event_done(3)
--
--      pgq_ext.is_event_done(4) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.is_event_done(a_consumer, '', a_batch_id, a_event_id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.is_event_done(text, bigint, bigint)
    is 'Is this event of the batch in work done?';
