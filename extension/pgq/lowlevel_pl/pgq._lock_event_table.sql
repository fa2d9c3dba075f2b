create or replace function pgq._lock_event_table(i_queue_id integer, i_num integer, i_table text, i_mark text)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._lock_event_table(4)
--
--      Locks an event table that the caller has read to be current, until the
--      end of the transaction, and notes that in a setting. The caller looks
--      again: only a look after the lock tells that the table is current. From
--      there on the lock keeps it undrained (pgq.event_table).
--
--      The setting saves the transaction's other events a lock. It is undone
--      with the lock when a savepoint is rolled back. A user who forges it may
--      lose events of his own.
--
--      Under REPEATABLE READ or SERIALIZABLE another look shows nothing new, so
--      the table is made sure of here.
--
--      Rotation drops tables over the first three. As long as that is not
--      committed, only waiting for the lock can tell. The lock stays when the
--      subtransaction of the block ends, which has no id, as it writes nothing.
--
-- Parameters:
--      i_queue_id  - queue
--      i_num       - number of the table
--      i_table     - quoted qualified name
--      i_mark      - value of the setting pgq.writes_to_ID
--
-- Errors:
--      undefined_table: the table should be there, but is not
--      serialization_failure: see pgq._assert_current()
-- ----------------------------------------------------------------------
declare
    _lock text := 'lock table ' || i_table || ' in row exclusive mode';
    _snapshot boolean := pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable');
begin
    if i_num < 3 then
        execute _lock;
    else
        begin
            execute _lock;
        exception
            when undefined_table then
                if _snapshot then
                    perform pgq._assert_current(i_queue_id, i_num);
                end if;
                -- The commit that made the table is visible a moment before
                -- this session is told, and finds the name. Its lock lasts
                -- until then, and reading the size waits for it.
                perform pg_catalog.pg_relation_size(c.oid)
                   from pg_catalog.pg_class c
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                  where i_table = pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname);
                if not found
                   and exists (select 1 from pgq.queue q where q.queue_id = i_queue_id and q.queue_cur_table = i_num)
                then
                    raise;
                end if;
                return;
        end;
    end if;
    if _snapshot then
        perform pgq._assert_current(i_queue_id, i_num);
    end if;
    perform pg_catalog.set_config('pgq.writes_to_' || i_queue_id, i_mark, true);
end;
$$ language plpgsql;
comment on function pgq._lock_event_table(integer, integer, text, text) is 'internal: locks an event table for writing, until the end of the transaction';
