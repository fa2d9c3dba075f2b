create or replace function pgq.maint_rotate_tables_step1(i_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_rotate_tables_step1(1)
--
--      Rotates a queue whose rotation period is over: truncates the event
--      tables that nobody needs any more, then makes an empty one current.
--      Where none is empty, because a consumer lags or a transaction still
--      writes to an old table, one more table is made, so that what can be
--      given back later is given back piece by piece.
--
--      The table that was current before this one is kept, so that consumers
--      can be moved back by at least one rotation period.
--
--      Never waits for a lock behind which producers would have to queue.
--
-- Returns:
--      0
--
-- Errors:
--      active_sql_transaction: not in READ COMMITTED
--      queue maint failure: transaction ids went backwards, or a consumer's
--      tick is gone
-- ----------------------------------------------------------------------
declare
    _q record;
    _num integer;
    _next integer;
    _tick bigint;
begin
    perform pgq._assert_read_committed('pgq.maint_rotate_tables_step1');
    select q.* into _q
      from pgq.queue q
     where q.queue_name = i_queue_name
       and q.queue_rotation_period is not null
       and q.queue_switch_step2 is not null
       and q.queue_switch_time + q.queue_rotation_period < current_timestamp
       for no key update skip locked;
    if not found then
        return 0;
    end if;

    if pg_catalog.txid_current() < _q.queue_switch_step1 then
        raise exception 'queue % maint failure: step1=%, current=%',
            i_queue_name, _q.queue_switch_step1, pg_catalog.txid_current();
    end if;
    select min(s.sub_last_tick) into _tick from pgq.subscription s where s.sub_queue = _q.queue_id;
    if _tick is not null
       and not exists (select 1 from pgq.tick t where t.tick_queue = _q.queue_id and t.tick_id = _tick)
    then
        raise exception 'queue % maint failure: tick % not found', i_queue_name, _tick;
    end if;

    for _num in
        select old.et_num
          from (select et.et_num, et.et_opened, et.et_drained
                  from pgq.event_table et
                 where et.et_queue = _q.queue_id
                   and et.et_num <> _q.queue_cur_table
                   and et.et_opened is not null
                 order by et.et_opened desc, et.et_num
                offset 1) old
         where old.et_drained is not null
         order by old.et_opened, old.et_num
    loop
        perform pgq._free_event_table(_q.queue_id, _num);
    end loop;

    select et.et_num into _next
      from pgq.event_table et
     where et.et_queue = _q.queue_id
       and et.et_num <> _q.queue_cur_table
       and et.et_opened is null
     order by et.et_num
     limit 1;
    if not found then
        -- an empty table needs no successor, and there is an end to everything
        if pg_catalog.pg_relation_size((_q.queue_data_pfx || '_' || _q.queue_cur_table)::regclass) = 0
           or _q.queue_ntables >= 1000
        then
            return 0;
        end if;
        _next := _q.queue_ntables;
        perform pgq._create_event_table(_q.queue_id, _next);
        perform pgq.tune_storage(i_queue_name);
        perform pgq.grant_perms(i_queue_name);
    end if;

    -- The table left behind is changed too: a writer with an old snapshot finds
    -- out by that (pgq._assert_current).
    update pgq.event_table
       set et_drained = null
     where et_queue = _q.queue_id and et_num = _q.queue_cur_table;
    update pgq.event_table
       set et_opened = pg_catalog.txid_current(), et_drained = null
     where et_queue = _q.queue_id and et_num = _next;
    update pgq.queue
       set queue_cur_table = _next,
           queue_ntables = greatest(queue_ntables, _next + 1),
           queue_switch_time = current_timestamp,
           queue_switch_step1 = pg_catalog.txid_current(),
           queue_switch_step2 = null
     where queue_id = _q.queue_id;

    perform pgq._drop_spare_tables(_q.queue_id);
    return 0;
exception
    when lock_not_available then
        return 0;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set lock_timeout to '100ms';
comment on function pgq.maint_rotate_tables_step1(text)
    is 'Maintenance: truncates old event tables of a queue and makes an empty one current; step2 must follow in a later transaction';
