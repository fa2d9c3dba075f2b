create or replace function pgq_node._tell(
    i_queue_name text,
    i_type text,
    i_data text,
    i_extra2 text,
    i_extra3 text)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._tell(5)
--
--      Sends an event to all nodes of a set, if the local node is its root.
--
-- Parameters:
--      i_type              - pgq.location-info and the like
--      i_data              - ev_data; ev_extra1 is the queue
--      i_extra2, i_extra3  - as they are
-- ----------------------------------------------------------------------
begin
    if exists (select 1 from pgq_node.node_info n where n.queue_name = i_queue_name and n.node_type = 'root') then
        perform pgq.insert_event(i_queue_name, i_type, i_data, i_queue_name, i_extra2, i_extra3, null);
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node._tell(text, text, text, text, text) is 'internal: sends an event to all nodes of a set if the local node is its root';
