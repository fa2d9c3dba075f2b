create or replace function pgq_node.set_node_attrs(
    i_queue_name text,
    i_node_attrs text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_node_attrs(2)
--
--      Sets the attributes of the local node.
--
-- Parameters:
--      i_node_attrs    - url-encoded pairs, or NULL
-- Returns:
--      200 - attributes updated
--      404 - no node of that queue
-- ----------------------------------------------------------------------
begin
    update pgq_node.node_info set node_attrs = i_node_attrs where queue_name = i_queue_name;
    if found then
        ret_code := 200;
        ret_note := 'Node attributes updated';
    else
        ret_code := 404;
        ret_note := 'Node not found';
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_node_attrs(text, text) is 'Sets the attributes of the local node, url-encoded';
