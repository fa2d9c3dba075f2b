create or replace function pgq_node.change_consumer_provider(
    i_queue_name text,
    i_consumer_name text,
    i_new_provider text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.change_consumer_provider(3)
--
--      Makes a cascaded consumer read from another node.
--
-- Returns:
--      200 - provider changed; the consumer has not seen it yet
--      404 - unknown node or consumer
-- ----------------------------------------------------------------------
begin
    if not exists (select 1 from pgq_node.node_location l where l.queue_name = i_queue_name and l.node_name = i_new_provider) then
        ret_code := 404;
        ret_note := 'New node not found: ' || i_new_provider;
        return;
    end if;
    if not pgq_node._state_set(i_queue_name, i_consumer_name, i_new_provider, null, null, false) then
        ret_code := 404;
        ret_note := 'Unknown consumer: ' || i_queue_name || '/' || i_consumer_name;
        return;
    end if;
    ret_code := 200;
    ret_note := 'Consumer provider node set to : ' || i_new_provider;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.change_consumer_provider(text, text, text) is 'Makes a cascaded consumer read from another node';
