create function pgq.next_batch_custom(
    in i_queue_name text,
    in i_consumer_name text,
    in i_min_lag interval,
    in i_min_count integer,
    in i_min_interval interval,
    out batch_id bigint,
    out cur_tick_id bigint,
    out prev_tick_id bigint,
    out cur_tick_time timestamptz,
    out prev_tick_time timestamptz,
    out cur_tick_event_seq bigint,
    out prev_tick_event_seq bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq.next_batch_custom(5)
--
--      Opens the consumer's next batch. A batch that is open already is
--      returned again, whatever the conditions say.
--
--      Two sessions that ask for the same consumer at once get the same
--      batch: the registration row is locked before the position is read.
--      A call that finds nothing to do takes no lock and writes nothing.
--
-- Parameters:
--      i_queue_name    - queue
--      i_consumer_name - consumer
--      i_min_lag       - only a tick at least this old ends a batch
--      i_min_count     - at least this many events, or
--      i_min_interval  - at least this much time between the ticks
--
-- Returns:
--      one row; all NULL if there is nothing to do yet
--
-- Errors:
--      Not subscriber to queue
--      PgQ corruption: the tick of the position is gone
-- ----------------------------------------------------------------------
declare
    _queue_id integer;
    _reg_id bigint;
    _pos record;
    _locked boolean := false;
begin
    select q.queue_id, r.reg_id into _queue_id, _reg_id
      from pgq.queue q, pgq.consumer c, pgq.registration r
     where q.queue_name = i_queue_name
       and c.co_name = i_consumer_name
       and r.sub_queue = q.queue_id
       and r.sub_consumer = c.co_id;
    if not found then
        raise exception 'Not subscriber to queue: %/%',
            coalesce(i_queue_name, 'NULL'), coalesce(i_consumer_name, 'NULL');
    end if;

    loop
        select * into _pos from pgq._position(_reg_id);

        select t.tick_time, t.tick_event_seq into prev_tick_time, prev_tick_event_seq
          from pgq.tick t
         where t.tick_queue = _queue_id
           and t.tick_id = _pos.last_tick;
        if not found then
            raise exception 'PgQ corruption: Consumer % on queue % does not see tick %',
                i_consumer_name, i_queue_name, '<NULL>';
        end if;
        prev_tick_id := _pos.last_tick;

        if _pos.batch is not null then
            batch_id := _pos.batch;
            cur_tick_id := _pos.next_tick;
            select t.tick_time, t.tick_event_seq into cur_tick_time, cur_tick_event_seq
              from pgq.tick t
             where t.tick_queue = _queue_id
               and t.tick_id = _pos.next_tick;
            return;
        end if;

        if i_min_count is null and i_min_interval is null then
            select t.tick_id, t.tick_time, t.tick_event_seq
              into cur_tick_id, cur_tick_time, cur_tick_event_seq
              from pgq.tick t
             where t.tick_queue = _queue_id
               and t.tick_id > _pos.last_tick
             order by t.tick_id
             limit 1;
        else
            select h.next_tick_id, h.next_tick_time, h.next_tick_seq
              into cur_tick_id, cur_tick_time, cur_tick_event_seq
              from pgq.find_tick_helper(_queue_id, prev_tick_id, prev_tick_time, prev_tick_event_seq,
                                        i_min_count, i_min_interval) h;
        end if;

        if cur_tick_id is null
           or i_min_lag is not null and pg_catalog.now() - cur_tick_time < i_min_lag
        then
            cur_tick_id := null;
            prev_tick_id := null;
            cur_tick_time := null;
            prev_tick_time := null;
            cur_tick_event_seq := null;
            prev_tick_event_seq := null;
            return;
        end if;

        if _locked then
            batch_id := pg_catalog.nextval('pgq.batch_id_seq');
            perform pgq._position_put(_reg_id, _pos.pos_seq, _pos.last_tick, batch_id, cur_tick_id);
            return;
        end if;

        -- There is a batch to open: take the lock and look again.
        perform 1 from pgq.registration r where r.reg_id = _reg_id for no key update;
        if not found then
            raise exception 'Not subscriber to queue: %/%', i_queue_name, i_consumer_name;
        end if;
        _locked := true;
    end loop;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.next_batch_custom(text, text, interval, integer, interval)
    is 'Opens the next batch of a consumer under conditions; all NULL: nothing to do yet';
