create or replace function pgq._assert_read_committed(i_function text)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._assert_read_committed(1)
--
--      For functions that take a lock and then must see what is committed: in
--      REPEATABLE READ or SERIALIZABLE they would truncate tables by what their
--      old snapshot shows, or make a tick of it.
--
-- Errors:
--      active_sql_transaction
-- ----------------------------------------------------------------------
begin
    if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        raise exception '% must run in READ COMMITTED', i_function
            using errcode = 'active_sql_transaction';
    end if;
end;
$$ language plpgsql;
comment on function pgq._assert_read_committed(text) is 'internal: fails in REPEATABLE READ and SERIALIZABLE';
