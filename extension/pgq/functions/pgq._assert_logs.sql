create or replace function pgq._assert_logs()
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._assert_logs(0)
--
--      For a transaction in REPEATABLE READ or SERIALIZABLE that has found no
--      position, or not the tick of one: it may have been carried into the
--      other log, or rewritten, after the transaction's snapshot, and the table
--      that the snapshot knows truncated. Each such truncation changes the row
--      in pgq.position_state, so locking the row as the snapshot shows it fails
--      then. The lock is given back at once, or it would hold up the next
--      truncation.
--
-- Errors:
--      serialization_failure
-- ----------------------------------------------------------------------
begin
    if pg_catalog.current_setting('transaction_isolation') not in ('repeatable read', 'serializable')
       or pg_catalog.current_setting('transaction_read_only') = 'on'
    then
        return;
    end if;
    begin
        -- fails also if the row is newer than the snapshot
        insert into pgq.position_state (cur) values (0) on conflict do nothing;
        perform 1 from pgq.position_state s for share;
        raise exception using errcode = 'PGQ02';
    exception
        when sqlstate 'PGQ02' then
            null;
    end;
end;
$$ language plpgsql;
comment on function pgq._assert_logs() is 'internal: fails with 40001 if a position log or pgq.tick was truncated after the transaction''s snapshot';
