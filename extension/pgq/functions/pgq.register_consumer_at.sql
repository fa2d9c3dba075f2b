create or replace function pgq.register_consumer_at(x_queue_name text, x_consumer_name text, x_tick_pos bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.register_consumer_at(3)
--
--      Registers a consumer on a queue, or moves one that is registered.
--
--      Locks, in the order that all control functions keep: the registration,
--      else the queue, then the consumer.
--
-- Parameters:
--      x_queue_name    - queue
--      x_consumer_name - consumer
--      x_tick_pos      - tick to start after; NULL: the newest one
--
-- Returns:
--      1 - registered
--      0 - was registered; a position, if given, was set and an open batch
--          dropped
--
-- Errors:
--      Event queue not created yet
--      cannot reposition, tick not found
--      No ticks for this queue
-- ----------------------------------------------------------------------
declare
    _queue_id integer;
    _reg_id bigint;
    _seq bigint;
    _co_id integer;
    _tick bigint;
    _result integer;
begin
    while _result is null loop
        select q.queue_id into _queue_id from pgq.queue q where q.queue_name = x_queue_name;
        if not found then
            raise exception 'Event queue not created yet';
        end if;

        select r.reg_id into _reg_id
          from pgq.registration r
          join pgq.consumer c on c.co_id = r.sub_consumer
         where r.sub_queue = _queue_id and c.co_name = x_consumer_name;
        if found then
            if x_tick_pos is null then
                return 0;
            end if;
            perform 1 from pgq.registration r where r.reg_id = _reg_id for no key update;
            -- unregistered meanwhile: register it anew
            continue when not found;
            perform pgq._hold_tick(_queue_id, x_tick_pos);
            select p.pos_seq into _seq from pgq._position(_reg_id) p;
            perform pgq._position_put(_reg_id, _seq, x_tick_pos, null, null);
            return 0;
        end if;

        begin
            -- keeps drop_queue away, and fails at once where it is at work
            perform 1 from pgq.queue q where q.queue_id = _queue_id for key share;
            if not found then
                raise exception 'Event queue not created yet';
            end if;
            loop
                insert into pgq.consumer (co_name) values (x_consumer_name)
                    on conflict (co_name) do nothing;
                select c.co_id into _co_id from pgq.consumer c
                 where c.co_name = x_consumer_name for no key update;
                exit when found;
            end loop;
            if exists (select 1 from pgq.registration r
                        where r.sub_queue = _queue_id and r.sub_consumer = _co_id)
            then
                -- somebody was faster: give the locks back and begin again
                raise exception using errcode = 'PGQ01';
            end if;

            _tick := x_tick_pos;
            if _tick is null then
                select t.tick_id into _tick from pgq.tick t
                 where t.tick_queue = _queue_id
                 order by t.tick_id desc limit 1;
                if not found then
                    perform pgq._assert_logs();
                    raise exception 'No ticks for this queue.  Please run ticker on database.';
                end if;
            end if;
            -- the newest one too: this transaction may last for many rotations
            perform pgq._hold_tick(_queue_id, _tick);
            insert into pgq.registration (sub_queue, sub_consumer) values (_queue_id, _co_id)
                returning reg_id into _reg_id;
            perform pgq._position_put(_reg_id, 0, _tick, null, null);
            _result := 1;
        exception
            when sqlstate 'PGQ01' then
                null;
        end;
    end loop;
    return _result;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.register_consumer_at(text, text, bigint)
    is 'Registers a consumer after the given tick, or moves it there; 0: was registered';
