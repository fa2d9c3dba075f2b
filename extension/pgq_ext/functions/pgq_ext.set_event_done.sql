create or replace function pgq_ext.set_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_event_done(4)
--
--      Tags an event of the batch in work as done. Call it in the transaction
--      of the event's effects. The first event of another batch makes that one
--      the batch in work, and the tags of the one before are deleted.
--
--      Sessions may tag events of one batch side by side: only the one that
--      changes the batch takes the position's lock.
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
--      a_batch_id      - batch id from the queue's database
--      a_event_id      - event id
-- Returns:
--      true    - tagged
--      false   - it already was, roll back
-- ----------------------------------------------------------------------
declare
    _batch bigint;
    _old bigint;
    _tr record;
begin
    select p.cur_batch_id into _batch
      from pgq_ext.partial_batch p
     where p.consumer_id = a_consumer
       and p.subconsumer_id = a_subconsumer;

    if _batch is distinct from a_batch_id then
        if pgq_ext.is_event_done(a_consumer, a_subconsumer, a_batch_id, a_event_id) then
            return false;
        end if;
        select * into _tr from pgq_ext._tracker_lock('partial', a_consumer, a_subconsumer);
        if _tr.value is distinct from a_batch_id then
            -- The last three batches, so that tags go too which a slow session
            -- committed after its batch had been left. One by one, since the
            -- index finds them only by equality.
            for _old in
                select l.tr_value
                  from pgq_ext.tracker_log l
                 where l.tr_id = _tr.id
                   and l.tr_seq between _tr.seq - 2 and _tr.seq
            loop
                delete from pgq_ext.completed_event e
                 where e.consumer_id = a_consumer
                   and e.subconsumer_id = a_subconsumer
                   and e.batch_id = _old
                   and e.batch_id <> a_batch_id;
            end loop;
            perform pgq_ext._tracker_put(_tr.id, _tr.seq, a_batch_id);
        end if;
    end if;

    insert into pgq_ext.completed_event (consumer_id, subconsumer_id, batch_id, event_id)
    values (a_consumer, a_subconsumer, a_batch_id, a_event_id)
    on conflict do nothing;
    return found;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.set_event_done(text, text, bigint, bigint)
    is 'Tag an event of the batch in work as done; false if it already was (with subconsumer)';

create or replace function pgq_ext.set_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_event_done(3)
--
--      pgq_ext.set_event_done(4) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.set_event_done(a_consumer, '', a_batch_id, a_event_id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.set_event_done(text, bigint, bigint)
    is 'Tag an event of the batch in work as done; false if it already was';
