create or replace function pgq._batch_tables(i_queue_id integer, i_prev txid_snapshot, i_cur txid_snapshot)
returns setof text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._batch_tables(3)
--
--      Event tables that may hold events between two snapshots of a queue,
--      oldest first.
--
--      See structure/tables.sql, event_table: a table is left out if the later
--      snapshot does not see that it was ever current, or if the earlier one
--      sees that all who wrote to it had ended.
-- ----------------------------------------------------------------------
begin
    -- PL/pgSQL, since an SQL function would plan its query in each call
    return query
        select q.queue_data_pfx || '_' || et.et_num
          from pgq.queue q
          join pgq.event_table et on et.et_queue = q.queue_id
         where q.queue_id = i_queue_id
           and pg_catalog.txid_visible_in_snapshot(et.et_opened, i_cur)
           and pg_catalog.txid_visible_in_snapshot(et.et_drained, i_prev) is not true
         order by et.et_opened, et.et_num;
end;
$$ language plpgsql;
comment on function pgq._batch_tables(integer, txid_snapshot, txid_snapshot)
    is 'internal: event tables that may hold events between two snapshots';
