create or replace function pgq_coop.finish_own_batch(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text,
    i_batch_id bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.finish_own_batch(4)
--
--      Closes a batch if this subconsumer still has it. Called in the
--      transaction of the batch's effects it makes a late subconsumer, which
--      was taken for dead, roll back. From the call to the end of the
--      transaction nobody takes the batch over, so best call it first.
--
-- Parameters:
--      i_queue_name        - queue
--      i_consumer_name     - main consumer
--      i_subconsumer_name  - subconsumer
--      i_batch_id          - batch id
--
-- Returns:
--      1 - closed
--      0 - this subconsumer does not have it open, roll back
-- ----------------------------------------------------------------------
declare
    _main record;
    _sub record;
    _pos record;
begin
    select * into _main from pgq_coop._registration(i_queue_name, i_consumer_name);
    select * into _sub from pgq_coop._registration(i_queue_name, i_consumer_name || '.' || i_subconsumer_name);
    if _sub.reg_id is null or _sub.sub_id is distinct from _main.sub_id then
        return 0;
    end if;
    perform 1 from pgq.registration r where r.reg_id = _sub.reg_id for no key update;
    if not found then
        return 0;
    end if;
    select * into _pos from pgq._position(_sub.reg_id);
    if _pos.batch is distinct from i_batch_id or i_batch_id is null then
        return 0;
    end if;
    perform pgq._position_put(_sub.reg_id, _pos.pos_seq, null, null, null);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.finish_own_batch(text, text, text, bigint)
    is 'Closes a batch if this subconsumer still has it; 0: it was taken over or is closed';
