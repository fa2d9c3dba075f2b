create or replace function pgq_node.maint_watermark(i_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.maint_watermark(1)
--
-- Moves the root's global watermark if that was not done for five minutes:
--      for roots whose worker does not run. The ticker calls it.
--
-- Returns:
--      0
-- ----------------------------------------------------------------------
begin
    perform 1 from pgq_node.node_info n where n.queue_name = i_queue_name and n.node_type = 'root' for no key update skip locked;
    if found
       and exists (select 1 from pgq.queue q
                     join pgq.tick t on t.tick_queue = q.queue_id and t.tick_id = pgq_node._position(q.queue_name, '.global_watermark')
                    where q.queue_name = i_queue_name and t.tick_time <= pg_catalog.now() - interval '5 minutes')
    then
        perform pgq_node.set_global_watermark(i_queue_name, null);
    end if;
    return 0;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.maint_watermark(text) is 'Maintenance: moves the global watermark of a root whose worker does not';
