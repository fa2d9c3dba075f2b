create or replace function pgq.current_event_table(x_queue_name text)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.current_event_table(1)
--
--      Name of the table to COPY events into, good until the end of the
--      current transaction: the table is locked for writing, which keeps it
--      from being taken for drained (pgq.event_table).
--
--      Such a writer gives ev_time itself and a column list.
--
-- Returns:
--      unquoted qualified name
--
-- Errors:
--      Event queue not found
--      Writing to queue disabled
-- ----------------------------------------------------------------------
declare
    _q record;
    _locked text;
begin
    loop
        select q.queue_id, q.queue_cur_table, q.queue_event_seq, q.queue_disable_insert,
               q.queue_data_pfx || '_' || q.queue_cur_table as cur
          into _q
          from pgq.queue q
         where q.queue_name = x_queue_name;
        if not found then
            raise exception 'Event queue not found';
        end if;
        if _q.queue_disable_insert
           and pg_catalog.current_setting('session_replication_role') <> 'replica'
        then
            raise exception 'Writing to queue disabled';
        end if;
        exit when _q.cur = _locked;
        if pgq._hold_queue(_q.queue_id, _q.queue_event_seq) is null then
            raise exception 'Event queue not found';
        end if;
        if pgq._lock_event_table(_q.queue_id, _q.queue_cur_table, _q.cur) then
            _locked := _q.cur;
        end if;
    end loop;
    if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform pgq._assert_current(_q.queue_id, _q.queue_cur_table);
    end if;
    return _q.cur;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.current_event_table(text) is 'Table to COPY events into, good until the end of the transaction';
