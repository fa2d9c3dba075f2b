create or replace function pgq_node.promote_branch(i_queue_name text, out ret_code integer, out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.promote_branch(1)
--
--      Makes a branch the root: it takes events from now on and is ticked by
--      its own ticker, whose ticks follow those that came.
--
-- Returns:
--      200 - branch promoted
--      301 - the node is no branch
--      404 - no node of that queue
-- ----------------------------------------------------------------------
declare
    _node record;
    _tick bigint;
    _seq text;
begin
    select n.node_type, n.node_name, n.worker_name into _node
      from pgq_node.node_info n
     where n.queue_name = i_queue_name
       for update;
    if not found then
        ret_code := 404;
        ret_note := 'Node not initialized for queue: ' || i_queue_name;
        return;
    end if;
    if _node.node_type <> 'branch' then
        ret_code := 301;
        ret_note := 'Node not branch';
        return;
    end if;
    _tick := pgq_node._newest_tick(i_queue_name);
    update pgq.queue
       set queue_disable_insert = false, queue_external_ticker = false
     where queue_name = i_queue_name
    returning queue_tick_seq into _seq;
    perform pgq.seq_setval(_seq, _tick);
    update pgq_node.node_info set node_type = 'root' where queue_name = i_queue_name;
    perform pgq_node._state_set(i_queue_name, _node.worker_name, _node.node_name, _tick, null, false);
    ret_code := 200;
    ret_note := 'Branch node promoted to root';
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.promote_branch(text) is 'Makes a branch the root';
