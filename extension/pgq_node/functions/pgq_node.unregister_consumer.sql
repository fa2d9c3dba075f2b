create or replace function pgq_node.unregister_consumer(
    i_queue_name text,
    i_consumer_name text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.unregister_consumer(2)
--
--      Forgets a cascaded consumer of the local node.
--
-- Returns:
--      200 - consumer unregistered, also if there was none
--      404 - no node of that queue
-- ----------------------------------------------------------------------
begin
    perform 1 from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    delete from pgq_node.local_state where queue_name = i_queue_name and consumer_name = i_consumer_name;
    ret_code := 200;
    ret_note := 'Consumer ' || i_consumer_name || ' unregistered from ' || i_queue_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.unregister_consumer(text, text) is 'Forgets a cascaded consumer of the local node';
