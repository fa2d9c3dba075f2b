create or replace function pgq._assert_current(i_queue_id integer, i_num integer)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._assert_current(2)
--
--      For a transaction in REPEATABLE READ or SERIALIZABLE that has locked an
--      event table found through its old snapshot: makes sure that the table
--      is current now. The rotation away from it changes its row in
--      pgq.event_table, so locking the row as the snapshot shows it fails if
--      there was one since. The lock is given back at once, or it would hold up
--      the next rotation until this transaction ends.
--
-- Errors:
--      serialization_failure
-- ----------------------------------------------------------------------
begin
    perform 1 from pgq.event_table et
     where et.et_queue = i_queue_id and et.et_num = i_num
       for share;
    raise exception using errcode = 'PGQ02';
exception
    when sqlstate 'PGQ02' then
        null;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq._assert_current(integer, integer) is 'internal: fails with 40001 if the event table is no longer current';
