create or replace function pgq.maint_retry_events()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_retry_events(0)
--
--      Puts up to 10 events whose retry time has come back into their queues,
--      the longest due first. Events of a queue that takes no inserts now stay
--      where they are.
--
-- Returns:
--      number of events moved; call again until it is 0
-- ----------------------------------------------------------------------
declare
    _ev record;
    _count integer := 0;
begin
    -- one mover at a time; the table can still be inserted into
    lock table pgq.retry_queue in share update exclusive mode;

    for _ev in
        select q.queue_name, r.*
          from pgq.retry_queue r
          join pgq.queue q on q.queue_id = r.ev_queue
         where r.ev_retry_after <= current_timestamp
           and (not q.queue_disable_insert
                or pg_catalog.current_setting('session_replication_role') = 'replica')
         order by r.ev_retry_after
         limit 10
    loop
        perform pgq.insert_event_raw(_ev.queue_name, _ev.ev_id, _ev.ev_time, _ev.ev_owner, _ev.ev_retry,
            _ev.ev_type, _ev.ev_data, _ev.ev_extra1, _ev.ev_extra2, _ev.ev_extra3, _ev.ev_extra4);
        delete from pgq.retry_queue
         where ev_owner = _ev.ev_owner and ev_id = _ev.ev_id;
        _count := _count + 1;
    end loop;
    return _count;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq.maint_retry_events() is 'Maintenance: puts due retry events back into their queues, 10 a call; returns how many';
