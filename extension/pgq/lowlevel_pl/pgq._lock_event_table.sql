create or replace function pgq._lock_event_table(i_queue_id integer, i_num integer, i_table text)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq._lock_event_table(3)
--
--      Locks an event table for writing, if there is one. Rotation may have
--      left and dropped it since the caller read that it is current, and as
--      long as that is not committed, only waiting for the lock can tell.
--
--      The lock stays when the subtransaction of this block ends. It has no
--      id, as it writes nothing.
--
-- Parameters:
--      i_queue_id  - queue
--      i_num       - number of the table
--      i_table     - unquoted qualified name
--
-- Returns:
--      false - dropped by rotation: look again which one is current
--
-- Errors:
--      undefined_table: should be there, but is not
--      serialization_failure: see pgq._assert_current()
-- ----------------------------------------------------------------------
begin
    execute 'lock table ' || pgq.quote_fqname(i_table) || ' in row exclusive mode';
    return true;
exception
    when undefined_table then
        if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
            perform pgq._assert_current(i_queue_id, i_num);
        end if;
        if exists (select 1 from pgq.queue q where q.queue_id = i_queue_id and q.queue_cur_table = i_num)
           and pg_catalog.to_regclass(pgq.quote_fqname(i_table)) is null
        then
            raise;
        end if;
        return false;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq._lock_event_table(integer, integer, text) is 'internal: locks an event table for writing, if there is one';
