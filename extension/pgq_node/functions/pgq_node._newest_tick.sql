create or replace function pgq_node._newest_tick(i_queue_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._newest_tick(1)
--
--      Id of the newest tick of a queue; NULL without one.
-- ----------------------------------------------------------------------
declare
    _tick bigint;
begin
    select t.tick_id into _tick
      from pgq.queue q
      join pgq.tick t on t.tick_queue = q.queue_id
     where q.queue_name = i_queue_name
     order by t.tick_id desc
     limit 1;
    return _tick;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node._newest_tick(text) is 'internal: id of the newest tick of a queue';
