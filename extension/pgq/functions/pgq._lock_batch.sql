create or replace function pgq._lock_batch(
    in i_batch_id bigint,
    out reg_id bigint,
    out sub_id integer,
    out queue_id integer)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq._lock_batch(1)
--
--      Finds the registration that has this batch open, and locks it, so that
--      the batch stays open until the end of the transaction. Who writes retry
--      events takes this lock first: another order is a deadlock with a session
--      that has the lock and asks for the same events.
--
-- Returns:
--      all NULL if the batch is not open
-- ----------------------------------------------------------------------
declare
    _locked bigint;
begin
    loop
        select b.reg_id, b.sub_id, b.queue_id into reg_id, sub_id, queue_id from pgq._batch(i_batch_id) b;
        -- it may have been ended or taken over while this waited for the lock
        exit when reg_id is null or reg_id = _locked;
        perform 1 from pgq.registration r where r.reg_id = _lock_batch.reg_id for no key update;
        _locked := reg_id;
    end loop;
end;
$$ language plpgsql;
comment on function pgq._lock_batch(bigint) is 'internal: registration of an open batch, locked';
