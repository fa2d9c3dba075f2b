create or replace function pgq_node.drop_node(
    i_queue_name text,
    i_node_name text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.drop_node(2)
--
--      Drops the local node with its queue and all that it knows, if it has
--      that name; else forgets another node.
--
-- Returns:
--      200 - node dropped, also if there was none
--      405 - the local worker reads from it
-- ----------------------------------------------------------------------
declare
    _node record;
begin
    -- create_node() may be at work
    perform pg_catalog.pg_advisory_xact_lock('pgq_node.node_info'::regclass::oid::integer, pg_catalog.hashtext(i_queue_name));
    select n.node_name, s.provider_node into _node
      from pgq_node.node_info n
      left join pgq_node.local_state s on s.queue_name = n.queue_name and s.consumer_name = n.worker_name
     where n.queue_name = i_queue_name
       for update of n;
    if not found or _node.node_name = i_node_name then
        delete from pgq_node.subscriber_info where queue_name = i_queue_name;
        delete from pgq_node.local_state where queue_name = i_queue_name;
        delete from pgq_node.node_info where queue_name = i_queue_name;
        if exists (select 1 from pgq.queue q where q.queue_name = i_queue_name) then
            perform pgq.drop_queue(i_queue_name, true);
        end if;
        delete from pgq_node.node_location where queue_name = i_queue_name and node_name <> i_node_name;
    elsif _node.provider_node = i_node_name then
        ret_code := 405;
        ret_note := 'Cannot drop provider node: ' || i_node_name;
        return;
    else
        perform pgq_node.unregister_subscriber(i_queue_name, i_node_name);
    end if;
    perform pgq_node.unregister_location(i_queue_name, i_node_name);
    ret_code := 200;
    ret_note := 'Node dropped: ' || i_node_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.drop_node(text, text) is 'Drops the local node with its queue, or forgets another node';
