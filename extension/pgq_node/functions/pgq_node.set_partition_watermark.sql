create or replace function pgq_node.set_partition_watermark(
    i_combined_queue_name text,
    i_part_queue_name text,
    i_watermark bigint,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_partition_watermark(3)
--
--      On a branch of a combined queue: moves the worker of a part queue's leaf to
--      the tick that the combined queue has got of it.
--
-- Returns:
--      200 - ok
--      201 - no such part queue here, or the combined queue's node is no branch
--      401 - the leaf's worker is unknown
-- ----------------------------------------------------------------------
declare
    _worker text;
    _state record;
begin
    select p.worker_name into _worker
      from pgq_node.node_info p
      join pgq_node.node_info c on c.queue_name = p.combined_queue
     where p.queue_name = i_part_queue_name
       and p.node_type = 'leaf'
       and c.queue_name = i_combined_queue_name
       and c.node_type = 'branch';
    if not found then
        ret_code := 201;
        ret_note := 'Part-queue does not exist';
        return;
    end if;
    select * into _state from pgq_node._state_lock(i_part_queue_name, _worker);
    if _state.id is null then
        ret_code := 401;
        ret_note := 'Worker registration not found';
        return;
    end if;
    if _state.tick is distinct from i_watermark then
        perform pgq_node._state_put(_state.id, _state.seq, i_watermark, _state.error);
    end if;
    ret_code := 200;
    ret_note := 'Ok';
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_partition_watermark(text, text, bigint) is 'Moves the worker of a part queues leaf to where the combined queue is';
