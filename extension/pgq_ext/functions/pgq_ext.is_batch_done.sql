create or replace function pgq_ext.is_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.is_batch_done(3)
--
--      Asks whether this batch is the last one that the consumer has done.
--      Earlier ones are not remembered: a consumer gets its batches in order.
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
--      a_batch_id      - batch id from the queue's database
-- Returns:
--      true    - it is, skip it
--      false   - it is not, or nothing is known about the consumer
-- ----------------------------------------------------------------------
begin
    return exists (
        select 1
          from pgq_ext.completed_batch b
         where b.consumer_id = a_consumer
           and b.subconsumer_id = a_subconsumer
           and b.last_batch_id = a_batch_id);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.is_batch_done(text, text, bigint)
    is 'Is this the last batch that the consumer has done? (with subconsumer)';

create or replace function pgq_ext.is_batch_done(a_consumer text, a_batch_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.is_batch_done(2)
--
--      pgq_ext.is_batch_done(3) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.is_batch_done(a_consumer, '', a_batch_id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.is_batch_done(text, bigint)
    is 'Is this the last batch that the consumer has done?';
