create or replace function pgq_node.get_node_info(
    i_queue_name text,
    out ret_code integer,
    out ret_note text,
    out node_type text,
    out node_name text,
    out global_watermark bigint,
    out local_watermark bigint,
    out provider_node text,
    out provider_location text,
    out combined_queue text,
    out combined_type text,
    out worker_name text,
    out worker_paused boolean,
    out worker_uptodate boolean,
    out worker_last_tick bigint,
    out node_attrs text,
    out target_for text[])
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.get_node_info(1)
--
--      Describes the local node of a queue.
--
-- Returns:
--      100 - ok; local_watermark is the lowest tick that anybody at or below
--            the node stands at, target_for the queues whose leaf here writes
--            to this one
--      404 - no node of that queue, all else is NULL
-- ----------------------------------------------------------------------
begin
    select n.node_type, n.node_name, s.provider_node, l.node_location, n.combined_queue, c.node_type, n.worker_name,
           s.paused, s.uptodate, s.last_tick_id, n.node_attrs
      into node_type, node_name, provider_node, provider_location, combined_queue, combined_type, worker_name,
           worker_paused, worker_uptodate, worker_last_tick, node_attrs
      from pgq_node.node_info n
      left join pgq_node.local_state s on s.queue_name = n.queue_name and s.consumer_name = n.worker_name
      left join pgq_node.node_location l on l.queue_name = s.queue_name and l.node_name = s.provider_node
      left join pgq_node.node_info c on c.queue_name = n.combined_queue
     where n.queue_name = i_queue_name;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    if node_type in ('root', 'branch') then
        global_watermark := pgq_node._position(i_queue_name, '.global_watermark');
        local_watermark := pgq_node._local_watermark(i_queue_name);
        select pg_catalog.array_agg(t.queue_name order by t.queue_name) into target_for
          from pgq_node.node_info t
         where t.combined_queue = i_queue_name;
        if node_type = 'root' then
            worker_last_tick := pgq_node._newest_tick(i_queue_name);
        end if;
    else
        local_watermark := worker_last_tick;
    end if;
    ret_code := 100;
    ret_note := 'Ok';
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.get_node_info(text) is 'Describes the local node of a queue';
