create or replace function pgq.get_consumer_info(
    in i_queue_name text,
    in i_consumer_name text,
    out queue_name text,
    out consumer_name text,
    out lag interval,
    out last_seen interval,
    out last_tick bigint,
    out current_batch bigint,
    out next_tick bigint,
    out pending_events bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_consumer_info(2)
--
--      Position and lag of a consumer, or of many.
--
-- Parameters:
--      i_queue_name    - queue; NULL: all
--      i_consumer_name - consumer; NULL: all
--
-- Returns:
--      lag             - age of the tick where it stands
--      last_seen       - time since it opened or finished a batch
--      pending_events  - events up to the newest tick, by the event sequence
-- ----------------------------------------------------------------------
    select q.queue_name, c.co_name,
           pg_catalog.now() - t.tick_time,
           pg_catalog.now() - s.sub_active,
           s.sub_last_tick, s.sub_batch, s.sub_next_tick,
           l.tick_event_seq - t.tick_event_seq
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
      left join pgq.tick t on t.tick_queue = s.sub_queue and t.tick_id = s.sub_last_tick
      left join lateral (
            select n.tick_event_seq
              from pgq.tick n
             where n.tick_queue = s.sub_queue
             order by n.tick_id desc
             limit 1) l on true
     where (i_queue_name is null or q.queue_name = i_queue_name)
       and (i_consumer_name is null or c.co_name = i_consumer_name)
     order by q.queue_name, c.co_name;
$$ language sql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.get_consumer_info(text, text) is 'Position and lag of a consumer on a queue; NULL: any';

create or replace function pgq.get_consumer_info(
    in i_queue_name text,
    out queue_name text,
    out consumer_name text,
    out lag interval,
    out last_seen interval,
    out last_tick bigint,
    out current_batch bigint,
    out next_tick bigint,
    out pending_events bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_consumer_info(1)
--
--      Position and lag of all consumers of a queue.
-- ----------------------------------------------------------------------
    select i.queue_name, i.consumer_name, i.lag, i.last_seen, i.last_tick,
           i.current_batch, i.next_tick, i.pending_events
      from pgq.get_consumer_info(i_queue_name, null) i;
$$ language sql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.get_consumer_info(text) is 'Position and lag of all consumers of a queue';

create or replace function pgq.get_consumer_info(
    out queue_name text,
    out consumer_name text,
    out lag interval,
    out last_seen interval,
    out last_tick bigint,
    out current_batch bigint,
    out next_tick bigint,
    out pending_events bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_consumer_info(0)
--
--      Position and lag of all consumers.
-- ----------------------------------------------------------------------
    select i.queue_name, i.consumer_name, i.lag, i.last_seen, i.last_tick,
           i.current_batch, i.next_tick, i.pending_events
      from pgq.get_consumer_info(null, null) i;
$$ language sql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.get_consumer_info() is 'Position and lag of all consumers';
