create or replace function pgq_node.register_location(
    i_queue_name text,
    i_node_name text,
    i_node_location text,
    i_dead boolean,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.register_location(4)
--
--      Makes a member of a set known, or changes what is known of it. The root
--      tells all nodes by an event pgq.location-info.
--
-- Parameters:
--      i_queue_name        - queue
--      i_node_name         - member
--      i_node_location     - its connection string; NULL keeps what is known
--      i_dead              - it is not to be waited for
-- Returns:
--      200 - location registered
-- ----------------------------------------------------------------------
begin
    -- so that of two that register at once none fails, nor overtakes the other
    perform 1 from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    if i_node_location is null then
        update pgq_node.node_location
           set dead = i_dead
         where queue_name = i_queue_name and node_name = i_node_name;
    else
        insert into pgq_node.node_location (queue_name, node_name, node_location, dead)
        values (i_queue_name, i_node_name, i_node_location, i_dead)
        on conflict (queue_name, node_name)
        do update set node_location = excluded.node_location, dead = excluded.dead;
    end if;
    perform pgq_node._tell(i_queue_name, 'pgq.location-info', i_node_name, i_node_location, i_dead::text);
    ret_code := 200;
    ret_note := 'Location registered';
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.register_location(text, text, text, boolean)
    is 'Makes a member of a set known or changes what is known of it; on the root it goes to all nodes';
