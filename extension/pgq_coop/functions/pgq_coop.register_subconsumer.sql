create or replace function pgq_coop.register_subconsumer(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.register_subconsumer(3)
--
--      Registers a subconsumer. Its main consumer is registered too if it is
--      not yet, after the queue's newest tick.
--
-- Parameters:
--      i_queue_name        - queue
--      i_consumer_name     - main consumer
--      i_subconsumer_name  - subconsumer, a name within the main consumer
--
-- Returns:
--      1 - registered
--      0 - was registered already
--
-- Errors:
--      those of pgq.register_consumer(), such as Event queue not created yet
--      a consumer of its own has that name
-- ----------------------------------------------------------------------
declare
    _name text := i_consumer_name || '.' || i_subconsumer_name;
    _main record;
    _sub record;
    _co_id integer;
    _reg_id bigint;
begin
    loop
        select * into _main from pgq_coop._registration(i_queue_name, i_consumer_name);
        select * into _sub from pgq_coop._registration(i_queue_name, _name);
        if _main.sub_id = _sub.sub_id then
            return 0;
        elsif _sub.reg_id is not null then
            raise exception 'consumer % on queue % is not a subconsumer', _name, i_queue_name
                using errcode = 'duplicate_object',
                      hint = 'It is registered as a consumer of its own: choose another subconsumer name.';
        elsif _main.reg_id is null then
            perform pgq.register_consumer(i_queue_name, i_consumer_name);
            continue;
        end if;

        -- of those who register it at once, the second one finds it now
        perform 1 from pgq.registration r where r.reg_id = _main.reg_id for no key update;
        continue when not found;

        -- the consumer's row keeps pgq.register_consumer() of that name away
        insert into pgq.consumer (co_name) values (_name) on conflict (co_name) do nothing;
        select c.co_id into _co_id from pgq.consumer c where c.co_name = _name for no key update;
        continue when not found;
        exit when not exists (
            select 1 from pgq.registration r
             where r.sub_queue = _main.queue_id and r.sub_consumer = _co_id);
    end loop;

    insert into pgq.registration (sub_id, sub_queue, sub_consumer)
    values (_main.sub_id, _main.queue_id, _co_id)
    returning reg_id into _reg_id;
    perform pgq._position_put(_reg_id, 0, null, null, null);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.register_subconsumer(text, text, text)
    is 'Registers a subconsumer, and its main consumer if need be; 0: was registered already';
