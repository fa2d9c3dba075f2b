create or replace function pgq_ext.set_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_batch_done(3)
--
--      Stores that a batch is done. Call it in the transaction of the batch's
--      effects: then both are there, or neither. A second session that stores
--      for the same consumer waits for the first one's transaction.
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
--      a_batch_id      - batch id from the queue's database; NULL and ids below
--                        1 are no batch, and nothing is stored
-- Returns:
--      true    - stored
--      false   - it was already done, roll back
-- ----------------------------------------------------------------------
declare
    _tr record;
begin
    if a_batch_id is null or a_batch_id <= 0 then
        return true;
    end if;
    select * into _tr from pgq_ext._tracker_lock('batch', a_consumer, a_subconsumer);
    if _tr.value = a_batch_id then
        return false;
    end if;
    perform pgq_ext._tracker_put(_tr.id, _tr.seq, a_batch_id);
    return true;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.set_batch_done(text, text, bigint)
    is 'Store that a batch is done; false if it already was (with subconsumer)';

create or replace function pgq_ext.set_batch_done(a_consumer text, a_batch_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_batch_done(2)
--
--      pgq_ext.set_batch_done(3) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.set_batch_done(a_consumer, '', a_batch_id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.set_batch_done(text, bigint)
    is 'Store that a batch is done; false if it already was';
