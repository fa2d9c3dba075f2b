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
    _mark text;
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
        _mark := pg_catalog.txid_current() || ':' || _q.queue_cur_table;
        exit when pg_catalog.current_setting('pgq.writes_to_' || _q.queue_id, true) = _mark;
        if pgq._hold_queue(_q.queue_id, _q.queue_event_seq) is null then
            raise exception 'Event queue not found';
        end if;
        perform pgq._lock_event_table(_q.queue_id, _q.queue_cur_table, pgq.quote_fqname(_q.cur), _mark);
    end loop;
    return _q.cur;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.current_event_table(text) is 'Table to COPY events into, good until the end of the transaction';
