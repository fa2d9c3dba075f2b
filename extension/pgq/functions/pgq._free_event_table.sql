create or replace function pgq._free_event_table(i_queue_id integer, i_num integer)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq._free_event_table(2)
--
--      Truncates a drained event table if every consumer is past it. The ticks
--      from which it would be read go with it, and go first: then a consumer
--      that is being moved back to one of them is either seen below or finds
--      the tick gone.
--
--      The caller holds the queue's row lock.
--
-- Returns:
--      false - still needed or in use; nothing was changed
-- ----------------------------------------------------------------------
declare
    _table text;
    _drained bigint;
    _first bigint;
begin
    select pgq.quote_fqname(q.queue_data_pfx || '_' || et.et_num), et.et_drained
      into _table, _drained
      from pgq.event_table et
      join pgq.queue q on q.queue_id = et.et_queue
     where et.et_queue = i_queue_id and et.et_num = i_num;

    -- first tick that needs nothing from the table; later ones see what it sees
    select t.tick_id into _first
      from pgq.tick t
     where t.tick_queue = i_queue_id
       and pg_catalog.txid_visible_in_snapshot(_drained, t.tick_snapshot)
     order by t.tick_id
     limit 1;
    if not found then
        return false;
    end if;
    if exists (select 1 from pgq.subscription s
                where s.sub_queue = i_queue_id and s.sub_last_tick < _first)
    then
        return false;
    end if;

    begin
        perform 1 from pgq.tick t where t.tick_queue = i_queue_id and t.tick_id < _first for update nowait;
        delete from pgq.tick where tick_queue = i_queue_id and tick_id < _first;
        if exists (select 1 from pgq.subscription s
                    where s.sub_queue = i_queue_id and s.sub_last_tick < _first)
        then
            raise exception using errcode = 'PGQ01';
        end if;
        execute 'lock table ' || _table || ' in access exclusive mode nowait';
        execute 'truncate ' || _table;
        update pgq.event_table
           set et_opened = null, et_drained = null
         where et_queue = i_queue_id and et_num = i_num;
    exception
        when sqlstate 'PGQ01' or lock_not_available then
            return false;
    end;
    return true;
end;
$$ language plpgsql;
comment on function pgq._free_event_table(integer, integer) is 'internal: truncates an event table that nobody needs';
