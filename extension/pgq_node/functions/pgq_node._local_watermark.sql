create or replace function pgq_node._local_watermark(i_queue_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._local_watermark(1)
--
--      The lowest tick that somebody at or below this root or branch still
--      stands at: the global watermark's own position does not count. Without
--      anybody it is the newest tick.
-- ----------------------------------------------------------------------
declare
    _tick bigint;
begin
    select min(s.sub_last_tick) into _tick
      from pgq.queue q
      join pgq.subscription s on s.sub_queue = q.queue_id
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = i_queue_name and c.co_name <> '.global_watermark';
    return coalesce(_tick, pgq_node._newest_tick(i_queue_name));
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node._local_watermark(text) is 'internal: the lowest tick that anybody at or below this node stands at';
