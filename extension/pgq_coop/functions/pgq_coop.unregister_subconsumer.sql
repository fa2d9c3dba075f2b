create or replace function pgq_coop.unregister_subconsumer(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text,
    i_batch_handling integer)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.unregister_subconsumer(4)
--
--      Removes a subconsumer. The main consumer stays.
--
-- Parameters:
--      i_queue_name        - queue
--      i_consumer_name     - main consumer
--      i_subconsumer_name  - subconsumer
--      i_batch_handling    - what to do with an open batch: 1 drops it, and the
--                            main consumer never sees its events; anything
--                            else is an error
--
-- Returns:
--      1 - removed
--      0 - was not registered
--
-- Errors:
--      subconsumer has active batch
-- ----------------------------------------------------------------------
declare
    _main record;
    _sub record;
    _batch bigint;
begin
    select * into _main from pgq_coop._registration(i_queue_name, i_consumer_name);
    select * into _sub from pgq_coop._registration(i_queue_name, i_consumer_name || '.' || i_subconsumer_name);
    -- one with another sub_id is a consumer of its own
    if _sub.reg_id is null or _sub.sub_id <> _main.sub_id then
        return 0;
    end if;
    perform 1 from pgq.registration r where r.reg_id = _sub.reg_id for update;
    if not found then
        return 0;
    end if;
    select p.batch into _batch from pgq._position(_sub.reg_id) p;
    if _batch is not null and i_batch_handling is distinct from 1 then
        raise exception 'subconsumer has active batch';
    end if;
    delete from pgq.registration where reg_id = _sub.reg_id;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.unregister_subconsumer(text, text, text, integer)
    is 'Removes a subconsumer; an open batch is dropped (1) or an error (else)';
