create or replace function pgq_coop.next_batch_custom(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text,
    i_min_lag interval,
    i_min_count integer,
    i_min_interval interval,
    i_dead_interval interval)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.next_batch_custom(7)
--
--      Opens a batch of the main consumer for a subconsumer. Both are
--      registered if they are not yet. A batch that the subconsumer has open
--      already is returned again.
--
--      A subconsumer that has not been seen for i_dead_interval is removed,
--      one a call, and its batch is taken over under the same id. Those with a
--      batch come first. One that is finishing its batch just now is left
--      alone. A subconsumer that polls without work counts as seen.
--
--      A call that finds nothing to do takes no lock and writes nothing, but
--      for one that tells now and then that the subconsumer is alive.
--
-- Parameters:
--      i_queue_name        - queue
--      i_consumer_name     - main consumer
--      i_subconsumer_name  - subconsumer
--      i_min_lag, i_min_count, i_min_interval
--                          - see pgq.next_batch_custom()
--      i_dead_interval     - NULL: nobody is dead
--
-- Returns:
--      batch id; NULL if there is nothing to do yet
--
-- Errors:
--      main consumer has batch open?
--      those of pgq_coop.register_subconsumer()
-- ----------------------------------------------------------------------
declare
    _name text := i_consumer_name || '.' || i_subconsumer_name;
    _main record;
    _sub record;
    _main_pos record;
    _sub_pos record;
    _dead bigint;
    _dead_pos record;
    _batch record;
    _locked boolean := false;
    _silent boolean;
begin
    loop
        select * into _main from pgq_coop._registration(i_queue_name, i_consumer_name);
        select * into _sub from pgq_coop._registration(i_queue_name, _name);
        if _main.reg_id is null or _sub.sub_id is distinct from _main.sub_id then
            perform pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
            continue;
        end if;

        if _locked then
            perform 1 from pgq.registration r where r.reg_id = _main.reg_id for no key update;
            continue when not found;
            perform 1 from pgq.registration r where r.reg_id = _sub.reg_id for no key update;
            continue when not found;
        end if;

        select * into _main_pos from pgq._position(_main.reg_id);
        if _main_pos.batch is not null then
            raise exception 'main consumer has batch open?';
        end if;
        select * into _sub_pos from pgq._position(_sub.reg_id);
        _silent := coalesce(_sub_pos.active < pg_catalog.now() - i_dead_interval / 2, false);
        exit when _locked;

        -- the newest tick by order by and limit, which always reads the index
        if _sub_pos.batch is null
           and not _silent
           and _main_pos.last_tick = (select t.tick_id from pgq.tick t
                                       where t.tick_queue = _main.queue_id
                                       order by t.tick_id desc
                                       limit 1)
           and not exists (select 1 from pgq_coop._dead_subconsumers(_main.reg_id, _sub.reg_id, i_dead_interval))
        then
            return null;
        end if;
        -- There is something to do: take the locks and look again.
        _locked := true;
    end loop;

    if _sub_pos.batch is not null then
        perform pgq._position_put(_sub.reg_id, _sub_pos.pos_seq,
            _sub_pos.last_tick, _sub_pos.batch, _sub_pos.next_tick);
        return _sub_pos.batch;
    end if;

    for _dead in
        select d from pgq_coop._dead_subconsumers(_main.reg_id, _sub.reg_id, i_dead_interval) d
    loop
        perform 1 from pgq.registration r where r.reg_id = _dead for update skip locked;
        continue when not found;
        -- what it finished before the lock was had
        select * into _dead_pos from pgq._position(_dead);
        continue when _dead_pos.active >= pg_catalog.now() - i_dead_interval;

        delete from pgq.registration where reg_id = _dead;
        if _dead_pos.batch is not null then
            perform pgq._position_put(_sub.reg_id, _sub_pos.pos_seq,
                _dead_pos.last_tick, _dead_pos.batch, _dead_pos.next_tick);
            return _dead_pos.batch;
        end if;
        exit;
    end loop;

    select * into _batch
      from pgq.next_batch_custom(i_queue_name, i_consumer_name, i_min_lag, i_min_count, i_min_interval);
    if _batch.batch_id is null then
        if _silent then
            perform pgq._position_put(_sub.reg_id, _sub_pos.pos_seq, null, null, null);
        end if;
        return null;
    end if;

    -- hand it out: main goes on to the batch's end, the subconsumer holds its ticks
    select * into _main_pos from pgq._position(_main.reg_id);
    perform pgq._position_put(_main.reg_id, _main_pos.pos_seq, _batch.cur_tick_id, null, null);
    perform pgq._position_put(_sub.reg_id, _sub_pos.pos_seq,
        _batch.prev_tick_id, _batch.batch_id, _batch.cur_tick_id);
    return _batch.batch_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.next_batch_custom(text, text, text, interval, integer, interval, interval)
    is 'Opens a batch for a subconsumer under conditions, or takes over that of a dead one; NULL: nothing to do yet';

create or replace function pgq_coop.next_batch_custom(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text,
    i_min_lag interval,
    i_min_count integer,
    i_min_interval interval)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.next_batch_custom(6)
--
--      pgq_coop.next_batch_custom(7) without takeover.
-- ----------------------------------------------------------------------
begin
    return pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name,
                                      i_min_lag, i_min_count, i_min_interval, null);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.next_batch_custom(text, text, text, interval, integer, interval)
    is 'Opens a batch for a subconsumer under conditions; NULL: nothing to do yet';
