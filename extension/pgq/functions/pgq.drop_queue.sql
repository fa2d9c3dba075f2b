create or replace function pgq.drop_queue(x_queue_name text, x_force boolean)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.drop_queue(2)
--
--      Drops a queue with its event tables.
--
--      Needs locks that consumers take in different orders (event tables while
--      they read, their registration when they finish). So it never waits for
--      one while it holds another: it asks for all, for a moment only, gives
--      all back if one is not to be had, and tries again.
--
-- Parameters:
--      x_queue_name    - queue
--      x_force         - unregister its consumers first
--
-- Returns:
--      1
--
-- Errors:
--      No such event queue
--      cannot drop queue, consumers still attached
-- ----------------------------------------------------------------------
declare
    _q record;
    _table text;
    _name text;
begin
    loop
        select q.queue_id, q.queue_data_pfx, q.queue_event_seq, q.queue_tick_seq
          into _q
          from pgq.queue q
         where q.queue_name = x_queue_name;
        if not found then
            raise exception 'No such event queue';
        end if;
        if not coalesce(x_force, false)
           and exists (select 1 from pgq.registration r where r.sub_queue = _q.queue_id)
        then
            raise exception 'cannot drop queue, consumers still attached';
        end if;

        begin
            -- lock_timeout of this function bounds each wait
            perform pg_catalog.pg_advisory_xact_lock('pgq.queue'::regclass::oid::integer, _q.queue_id);
            if pgq._hold_queue(_q.queue_id, _q.queue_data_pfx) is null then
                raise exception 'No such event queue';
            end if;
            -- one by one: rotation may drop one of them
            execute 'lock table only ' || pgq.quote_fqname(_q.queue_data_pfx) || ' in access exclusive mode';
            for _table in
                select _q.queue_data_pfx || '_' || et.et_num
                  from pgq.event_table et
                 where et.et_queue = _q.queue_id
                 order by et.et_num
            loop
                execute 'lock table ' || pgq.quote_fqname(_table) || ' in access exclusive mode';
            end loop;
            perform 1 from pgq.registration r where r.sub_queue = _q.queue_id order by r.reg_id for update nowait;
            perform 1 from pgq.queue q where q.queue_id = _q.queue_id for update nowait;
            if not found then
                raise exception 'No such event queue';
            end if;
            -- nobody can register from here on, since that needs the queue row
            if not coalesce(x_force, false)
               and exists (select 1 from pgq.registration r where r.sub_queue = _q.queue_id)
            then
                raise exception 'cannot drop queue, consumers still attached';
            end if;
            for _name in
                select c.co_name
                  from pgq.registration r
                  join pgq.consumer c on c.co_id = r.sub_consumer
                 where r.sub_queue = _q.queue_id
                 order by r.reg_id
            loop
                perform pgq.unregister_consumer(x_queue_name, _name);
            end loop;

            for _table in
                select _q.queue_data_pfx || '_' || et.et_num
                  from pgq.event_table et
                 where et.et_queue = _q.queue_id
            loop
                execute 'drop table ' || pgq.quote_fqname(_table);
            end loop;
            execute 'drop table ' || pgq.quote_fqname(_q.queue_data_pfx);
            execute 'drop sequence ' || pgq.quote_fqname(_q.queue_event_seq);
            execute 'drop sequence ' || pgq.quote_fqname(_q.queue_tick_seq);

            delete from pgq.event_table where et_queue = _q.queue_id;
            delete from pgq.tick where tick_queue = _q.queue_id;
            delete from pgq.retry_queue where ev_queue = _q.queue_id;
            delete from pgq.queue where queue_id = _q.queue_id;
            exit;
        exception
            when lock_not_available then
                null;
            when undefined_table then
                if exists (select 1 from pgq.event_table et
                            where et.et_queue = _q.queue_id
                              and pg_catalog.to_regclass(_q.queue_data_pfx || '_' || et.et_num) is null)
                then
                    raise;
                end if;
        end;
        perform pg_catalog.pg_sleep(0.01);
    end loop;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set lock_timeout to '100ms';
comment on function pgq.drop_queue(text, boolean) is 'Drops a queue; with true its consumers are unregistered first';

create or replace function pgq.drop_queue(x_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.drop_queue(1)
--
--      pgq.drop_queue(2) without force.
-- ----------------------------------------------------------------------
begin
    return pgq.drop_queue(x_queue_name, false);
end;
$$ language plpgsql strict;
comment on function pgq.drop_queue(text) is 'Drops a queue that has no consumers';
