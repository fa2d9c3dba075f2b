create or replace function pgq.maint_compact_tables()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_compact_tables(0)
--
--      Gives back the space of deleted rows of pgq.tick and pgq.retry_queue
--      when vacuum cannot, because an old snapshot is open: writes the rows
--      that are left into the truncated table. Does so only for a table over
--      1 MB of which at most a quarter is in use, and waits only a moment for
--      its lock.
--
--      A transaction in REPEATABLE READ or SERIALIZABLE that has an older
--      snapshot finds pgq.tick empty then; pgq._assert_logs() tells it so.
--
-- Returns:
--      0
--
-- Errors:
--      active_sql_transaction: not in READ COMMITTED
-- ----------------------------------------------------------------------
declare
    _ticks pgq.tick[];
    _retries pgq.retry_queue[];
begin
    perform pgq._assert_read_committed('pgq.maint_compact_tables');
    -- one at a time: two that have read a table would wait for each other
    insert into pgq.position_state (cur)
    select 0 where not exists (select 1 from pgq.position_state) on conflict do nothing;
    perform 1 from pgq.position_state s for no key update skip locked;
    if not found then
        return 0;
    end if;

    if (select sum(pg_catalog.pg_column_size(t)) from pgq.tick t)
       < pg_catalog.pg_relation_size('pgq.tick') / 4
       and pg_catalog.pg_relation_size('pgq.tick') >= 1048576
    then
        lock table pgq.tick in access exclusive mode;
        _ticks := array(select t from pgq.tick t);
        truncate pgq.tick;
        insert into pgq.tick select * from pg_catalog.unnest(_ticks);
        -- pgq._assert_logs() looks at that
        update pgq.position_state set cur = cur;
    end if;

    if coalesce((select sum(pg_catalog.pg_column_size(r)) from pgq.retry_queue r), 0)
       < pg_catalog.pg_relation_size('pgq.retry_queue') / 4
       and pg_catalog.pg_relation_size('pgq.retry_queue') >= 1048576
    then
        lock table pgq.retry_queue in access exclusive mode;
        _retries := array(select r from pgq.retry_queue r);
        truncate pgq.retry_queue;
        insert into pgq.retry_queue select * from pg_catalog.unnest(_retries);
    end if;
    return 0;
exception
    when lock_not_available then
        return 0;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set lock_timeout to '100ms';
comment on function pgq.maint_compact_tables()
    is 'Maintenance: gives back space of ticks and retry events that vacuum cannot, because an old snapshot is open';
