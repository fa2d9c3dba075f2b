create or replace function pgq.unregister_consumer(x_queue_name text, x_consumer_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.unregister_consumer(2)
--
--      Removes a consumer from a queue, with its retry events. A main consumer
--      takes its subconsumers along; a subconsumer leaves alone. The main one
--      is the first that was registered of those that share a sub_id.
--
-- Returns:
--      number of registrations removed; 0: was not registered
-- ----------------------------------------------------------------------
declare
    _r record;
    _count integer;
begin
    loop
        select r.reg_id, r.sub_id, r.sub_consumer into _r
          from pgq.registration r
          join pgq.queue q on q.queue_id = r.sub_queue
          join pgq.consumer c on c.co_id = r.sub_consumer
         where q.queue_name = x_queue_name
           and c.co_name = x_consumer_name;
        if not found then
            return 0;
        end if;

        -- A subconsumer holds its own row and may ask for the main one's, to
        -- take its next batch: so no waiting for its row while holding that.
        begin
            perform 1 from pgq.registration r where r.reg_id = _r.reg_id for update;
            if not found then
                return 0;
            end if;
            if exists (select 1 from pgq.registration r where r.sub_id = _r.sub_id and r.reg_id < _r.reg_id) then
                delete from pgq.registration where reg_id = _r.reg_id;
                return 1;
            end if;
            perform 1 from pgq.registration r where r.sub_id = _r.sub_id for update nowait;
            exit;
        exception
            when lock_not_available then
                null;
        end;
        perform pg_catalog.pg_sleep(0.01);
    end loop;

    delete from pgq.registration where sub_id = _r.sub_id;
    get diagnostics _count = row_count;
    delete from pgq.retry_queue where ev_owner = _r.sub_id;

    -- after the lock is had, whoever registers this name elsewhere has ended
    perform 1 from pgq.consumer c where c.co_id = _r.sub_consumer for update;
    delete from pgq.consumer c
     where c.co_id = _r.sub_consumer
       and not exists (select 1 from pgq.registration r where r.sub_consumer = c.co_id);
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.unregister_consumer(text, text) is 'Removes a consumer from a queue; returns how many registrations went';
