create or replace function pgq._lock_for_tick(i_queue_id integer, i_wait boolean)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq._lock_for_tick(2)
--
--      Locks the queue's row, so that its ticks and rotations come one after
--      the other.
--
-- Returns:
--      false if it is locked and i_wait is false, or the queue is gone
--
-- Errors:
--      active_sql_transaction: in REPEATABLE READ or SERIALIZABLE a tick would
--      get the old snapshot of its transaction
-- ----------------------------------------------------------------------
begin
    perform pgq._assert_read_committed('pgq.ticker');
    if i_wait then
        perform 1 from pgq.queue q where q.queue_id = i_queue_id for no key update;
    else
        perform 1 from pgq.queue q where q.queue_id = i_queue_id for no key update skip locked;
    end if;
    return found;
end;
$$ language plpgsql;
comment on function pgq._lock_for_tick(integer, boolean) is 'internal: locks a queue for the making of a tick';
