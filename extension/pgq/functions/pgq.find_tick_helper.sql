create or replace function pgq.find_tick_helper(
    in i_queue_id integer,
    in i_prev_tick_id bigint,
    in i_prev_tick_time timestamptz,
    in i_prev_tick_seq bigint,
    in i_min_count bigint,
    in i_min_interval interval,
    out next_tick_id bigint,
    out next_tick_time timestamptz,
    out next_tick_seq bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq.find_tick_helper(6)
--
--      Chooses the tick that ends a batch of at least i_min_count events or
--      i_min_interval of time: the newest tick if that is enough but not more
--      than twice as much, else the first one that is enough.
--
-- Returns:
--      all NULL if no tick is far enough
-- ----------------------------------------------------------------------
declare
    _count bigint;
    _span interval;
begin
    select t.tick_id, t.tick_time, t.tick_event_seq
      into next_tick_id, next_tick_time, next_tick_seq
      from pgq.tick t
     where t.tick_queue = i_queue_id
       and t.tick_id > i_prev_tick_id
     order by t.tick_id desc
     limit 1;
    if not found then
        return;
    end if;

    _count := next_tick_seq - i_prev_tick_seq;
    _span := next_tick_time - i_prev_tick_time;
    if _count > 2 * i_min_count or _span > 2 * i_min_interval then
        select t.tick_id, t.tick_time, t.tick_event_seq
          into next_tick_id, next_tick_time, next_tick_seq
          from pgq.tick t
         where t.tick_queue = i_queue_id
           and t.tick_id > i_prev_tick_id
           and (t.tick_event_seq - i_prev_tick_seq >= i_min_count
                or t.tick_time - i_prev_tick_time >= i_min_interval)
         order by t.tick_id
         limit 1;
    elsif _count >= i_min_count or _span >= i_min_interval then
        null;
    else
        next_tick_id := null;
        next_tick_time := null;
        next_tick_seq := null;
    end if;
end;
$$ language plpgsql stable;
comment on function pgq.find_tick_helper(integer, bigint, timestamptz, bigint, bigint, interval)
    is 'Chooses the tick that ends a batch of at least so many events or so much time';
