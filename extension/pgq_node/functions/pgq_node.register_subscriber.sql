create or replace function pgq_node.register_subscriber(
    i_queue_name text,
    i_remote_node_name text,
    i_remote_worker_name text,
    i_custom_tick_id bigint,
    out ret_code integer,
    out ret_note text,
    out global_watermark bigint)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.register_subscriber(4)
--
--      Makes another node a subscriber of this one.
--
-- Parameters:
--      i_queue_name            - queue
--      i_remote_node_name      - the other node; its location is known
--      i_remote_worker_name    - consumer name of its worker
--      i_custom_tick_id        - where the worker begins; NULL for the global
--                                watermark
-- Returns:
--      200 - subscriber registered; global_watermark is that of this node
--      401 - this node is a leaf
--      404 - no node of that queue
-- Errors:
--      it is a subscriber already; its location is unknown; no such tick
-- ----------------------------------------------------------------------
declare
    _type text;
    _watermark_name text;
    _watermark bigint;
begin
    select n.node_type into _type from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    if _type = 'leaf' then
        ret_code := 401;
        ret_note := 'Cannot subscribe to leaf node';
        return;
    end if;
    _watermark_name := '.' || i_remote_node_name || '.watermark';
    _watermark := pgq_node._position(i_queue_name, '.global_watermark');
    perform pgq.register_consumer_at(i_queue_name, _watermark_name, _watermark);
    perform pgq.register_consumer_at(i_queue_name, i_remote_worker_name, coalesce(i_custom_tick_id, _watermark));
    insert into pgq_node.subscriber_info (queue_name, subscriber_node, worker_name, watermark_name)
    values (i_queue_name, i_remote_node_name, i_remote_worker_name, _watermark_name);
    ret_code := 200;
    ret_note := 'Subscriber registered: ' || i_remote_node_name;
    global_watermark := _watermark;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.register_subscriber(text, text, text, bigint) is 'Makes another node a subscriber of this one';
