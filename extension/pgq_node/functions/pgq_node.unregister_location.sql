create or replace function pgq_node.unregister_location(
    i_queue_name text,
    i_node_name text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.unregister_location(2)
--
--      Forgets a member of a set, and with it what it had as a subscriber here.
--      The root tells all nodes by an event pgq.unregister-location.
--
-- Returns:
--      200 - ok
--      301 - location not found
--      403 - it is the local node, or its provider
-- ----------------------------------------------------------------------
declare
    _node record;
begin
    select n.node_name, s.provider_node into _node
      from pgq_node.node_info n
      left join pgq_node.local_state s on s.queue_name = n.queue_name and s.consumer_name = n.worker_name
     where n.queue_name = i_queue_name
       for no key update of n;
    if found then
        if _node.node_name = i_node_name then
            ret_code := 403;
            ret_note := 'Cannot drop node''s own location';
            return;
        end if;
        if _node.provider_node = i_node_name then
            ret_code := 403;
            ret_note := 'Cannot drop location of node''s parent';
            return;
        end if;
    end if;
    perform pgq_node.unregister_subscriber(i_queue_name, i_node_name);
    delete from pgq_node.node_location where queue_name = i_queue_name and node_name = i_node_name;
    if found then
        ret_code := 200;
        ret_note := 'Ok';
    else
        ret_code := 301;
        ret_note := 'Location not found: ' || i_queue_name || '/' || i_node_name;
    end if;
    perform pgq_node._tell(i_queue_name, 'pgq.unregister-location', i_node_name, null, null);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.unregister_location(text, text) is 'Forgets a member of a set; on the root it goes to all nodes';
