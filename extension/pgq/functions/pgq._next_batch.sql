create or replace function pgq._next_batch(
    in i_queue_name text,
    in i_consumer_name text,
    in i_min_lag interval,
    in i_min_count integer,
    in i_min_interval interval,
    in i_max_count integer,
    out batch_id bigint,
    out cur_tick_id bigint,
    out prev_tick_id bigint,
    out cur_tick_time timestamptz,
    out prev_tick_time timestamptz,
    out cur_tick_event_seq bigint,
    out prev_tick_event_seq bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq._next_batch(6)
--
--      Opens the consumer's next batch. A batch that is open already is
--      returned again, whatever the conditions say.
--
--      Two sessions that ask for the same consumer at once get the same
--      batch: the registration row is locked before the position is read.
--      A call that finds nothing to do takes no lock and writes nothing.
--
-- Parameters:
--      i_min_lag, i_min_count, i_min_interval - see pgq.next_batch_custom()
--      i_max_count - see pgq.next_batch_upto(); NULL: no limit
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

    -- First without the lock: most calls of an idle consumer end here.
    loop
        select * into _pos from pgq._position(_reg_id);
        if _locked or _pos.batch is not null then
            select p.tick_id, p.tick_time, p.tick_event_seq, n.tick_id, n.tick_time, n.tick_event_seq
              into prev_tick_id, prev_tick_time, prev_tick_event_seq, cur_tick_id, cur_tick_time, cur_tick_event_seq
              from pgq.tick p
              left join pgq.tick n on n.tick_queue = p.tick_queue and n.tick_id = _pos.next_tick
             where p.tick_queue = _queue_id
               and p.tick_id = _pos.last_tick;
            exit when found;
            if _locked then
                perform pgq._assert_logs();
                raise exception 'PgQ corruption: Consumer % on queue % does not see tick %',
                    i_consumer_name, i_queue_name, '<NULL>';
            end if;
            -- the batch may have ended since, and the tick gone: with the lock
            -- it is certain
        -- order by and limit, and not exists(), whose generic plan reads the
        -- whole table
        elsif _pos.last_tick = (select t.tick_id from pgq.tick t
                                 where t.tick_queue = _queue_id
                                 order by t.tick_id desc
                                 limit 1)
        then
            return;
        end if;
        -- also if there seems to be no position: with the lock there is one
        perform 1 from pgq.registration r where r.reg_id = _reg_id for no key update;
        if not found then
            raise exception 'Not subscriber to queue: %/%', i_queue_name, i_consumer_name;
        end if;
        _locked := true;
    end loop;

    if _pos.batch is not null then
        batch_id := _pos.batch;
        return;
    end if;

    if i_max_count is not null then
        select f.tick_id, f.tick_time, f.tick_event_seq
          into cur_tick_id, cur_tick_time, cur_tick_event_seq
          from (select t.tick_id, t.tick_time, t.tick_event_seq, pg_catalog.row_number() over (order by t.tick_id) as n
                  from pgq.tick t
                 where t.tick_queue = _queue_id
                   and t.tick_id > _pos.last_tick
                 order by t.tick_id
                 limit 1000) f
         where f.n = 1 or f.tick_event_seq - prev_tick_event_seq <= i_max_count
         order by f.tick_id desc
         limit 1;
    elsif i_min_count is null and i_min_interval is null then
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

    batch_id := pg_catalog.nextval('pgq.batch_id_seq');
    perform pgq._position_put(_reg_id, _pos.pos_seq, _pos.last_tick, batch_id, cur_tick_id);
end;
$$ language plpgsql;
comment on function pgq._next_batch(text, text, interval, integer, interval, integer)
    is 'internal: opens the next batch of a consumer';
