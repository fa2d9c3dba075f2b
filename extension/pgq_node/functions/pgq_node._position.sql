create or replace function pgq_node._position(i_queue_name text, i_consumer_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._position(2)
--
--      Tick at which a consumer of a local queue stands; NULL without one.
-- ----------------------------------------------------------------------
declare
    _tick bigint;
begin
    select s.sub_last_tick into _tick
      from pgq.queue q
      join pgq.subscription s on s.sub_queue = q.queue_id
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name;
    return _tick;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node._position(text, text) is 'internal: tick at which a consumer of a local queue stands';
