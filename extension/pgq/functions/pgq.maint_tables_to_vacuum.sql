create or replace function pgq.maint_tables_to_vacuum()
returns setof text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_tables_to_vacuum(0)
--
--      Tables whose rows change often, for servers with autovacuum off.
--
-- Returns:
--      qualified names; none if autovacuum is on
-- ----------------------------------------------------------------------
begin
    if pg_catalog.current_setting('autovacuum') = 'on' then
        return;
    end if;
    return query
        select x.name
          from pg_catalog.unnest(array[
                    'pgq.registration', 'pgq.consumer', 'pgq.queue', 'pgq.event_table', 'pgq.position_state',
                    'pgq.tick', 'pgq.retry_queue',
                    'pgq_ext.completed_tick', 'pgq_ext.completed_batch',
                    'pgq_ext.completed_event', 'pgq_ext.partial_batch',
                    'pgq_ext.tracker', 'pgq_ext.tracker_log',
                    'pgq_node.local_state', 'pgq_node.local_consumer', 'pgq_node.local_position', 'londiste.seq_info',
                    'txid.epoch', 'londiste.completed']) with ordinality x (name, pos)
          join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(x.name)
         where c.relkind = 'r'
         order by x.pos;
end;
$$ language plpgsql;
comment on function pgq.maint_tables_to_vacuum() is 'Tables that want a vacuum now and then; none if autovacuum is on';
