create or replace function pgq_node.set_global_watermark(
    i_queue_name text,
    i_watermark bigint,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_global_watermark(2)
--
--      Moves the global watermark: no node needs events before it any more. The
--      root tells all nodes by an event pgq.global-watermark.
--
-- Parameters:
--      i_watermark     - tick; on the root NULL stands for its local watermark
-- Returns:
--      100 - leaf, ignored
--      200 - set; or skipped on a branch that has no such tick
--      404 - no node of that queue
--      500 - NULL on a branch
-- Errors:
--      no such tick on the root
-- ----------------------------------------------------------------------
declare
    _node record;
    _tick bigint;
begin
    select n.node_type, n.worker_name into _node from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    if not found then
        ret_code := 404;
        ret_note := 'Queue' || i_queue_name || ' not found';
        return;
    end if;
    _tick := i_watermark;
    case _node.node_type
        when 'root' then
            _tick := coalesce(_tick, pgq_node._local_watermark(i_queue_name));
        when 'branch' then
            if _tick is null then
                ret_code := 500;
                ret_note := 'bad usage: wm=null on branch node';
                return;
            end if;
            if not exists (select 1 from pgq.queue q
                             join pgq.tick t on t.tick_queue = q.queue_id
                            where q.queue_name = i_queue_name and t.tick_id = _tick)
            then
                ret_code := 200;
                ret_note := 'Skipping global watermark update to ' || _tick;
                return;
            end if;
        else
            ret_code := 100;
            ret_note := 'Ignoring global watermark in leaf';
            return;
    end case;
    perform pgq.register_consumer_at(i_queue_name, '.global_watermark', _tick);
    if _node.node_type = 'root' then
        perform pgq_node._tell(i_queue_name, 'pgq.global-watermark', _tick::text, null, null);
        perform pgq_node._state_set(i_queue_name, _node.worker_name, null, _tick, null, null);
    end if;
    ret_code := 200;
    ret_note := 'Global watermark set to ' || _tick;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_global_watermark(text, bigint) is 'Moves the global watermark; on the root it goes to all nodes';
