create or replace function pgq.insert_event_raw(
    queue_name text,
    ev_id bigint,
    ev_time timestamptz,
    ev_owner integer,
    ev_retry integer,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.insert_event_raw(11)
--
--      Puts an event into a queue.
--
--      It must not land in a table that a rotation has left behind. The insert
--      locks the table while it is parsed; only then its execution takes a
--      snapshot and checks that the table is still the current one. From there
--      on the lock keeps the table undrained (pgq.event_table) until the
--      transaction ends. Nothing inserted means: look again.
--
--      One value of the event sequence is taken whatever happens, which is how
--      the ticker learns that there is something new.
--
-- Parameters:
--      queue_name      - queue
--      ev_id           - NULL: from the sequence
--      ev_time         - NULL: now()
--      ev_owner        - sub_id of the only consumer to see it; NULL: all
--      ev_retry        - how often it was retried; NULL: never
--      ev_type .. ev_extra4 - what the consumer gets
--
-- Returns:
--      event id
--
-- Errors:
--      Queue name must not be NULL
--      No such queue
--      Insert into queue disallowed
--      Queue allows max n events from one TX
--      serialization_failure: the queue was rotated after the snapshot of a
--      transaction in REPEATABLE READ or SERIALIZABLE
-- ----------------------------------------------------------------------
declare
    _q record;
    _id bigint;
    _rows integer;
begin
    if queue_name is null then
        raise exception 'Queue name must not be NULL';
    end if;

    loop
        select q.queue_id, q.queue_cur_table, q.queue_data_pfx, q.queue_event_seq,
               q.queue_disable_insert, q.queue_per_tx_limit
          into _q
          from pgq.queue q
         where q.queue_name = insert_event_raw.queue_name;
        if not found then
            raise exception 'No such queue';
        end if;
        if _id is null then
            -- The transaction has its id first, so that a ticker which sees
            -- the event's number taken also sees the transaction open.
            perform pg_catalog.txid_current();
            _id := pg_catalog.nextval(pgq._hold_queue(_q.queue_id, _q.queue_event_seq));
            if _id is null then
                raise exception 'No such queue';
            end if;
        end if;
        if _q.queue_disable_insert
           and pg_catalog.current_setting('session_replication_role') <> 'replica'
        then
            raise exception 'Insert into queue disallowed';
        end if;
        -- the limit is for producers; a retried event was let in before
        if _q.queue_per_tx_limit >= 0 and ev_owner is null then
            perform pgq._count_event(queue_name, _q.queue_id, _q.queue_cur_table, _q.queue_per_tx_limit, 1);
        end if;

        -- rotation never drops the first three
        if _q.queue_cur_table > 2
           and not pgq._lock_event_table(_q.queue_id, _q.queue_cur_table, _q.queue_data_pfx || '_' || _q.queue_cur_table)
        then
            continue;
        end if;
        execute 'insert into ' || pgq.quote_fqname(_q.queue_data_pfx || '_' || _q.queue_cur_table)
            || ' (ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
            || ' select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10'
            || ' where exists (select 1 from pgq.queue where queue_id = $11 and queue_cur_table = $12)'
          using coalesce(ev_id, _id), coalesce(ev_time, pg_catalog.now()), ev_owner, ev_retry,
                ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4,
                _q.queue_id, _q.queue_cur_table;
        get diagnostics _rows = row_count;
        exit when _rows = 1;
    end loop;

    if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform pgq._assert_current(_q.queue_id, _q.queue_cur_table);
    end if;
    return coalesce(ev_id, _id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq.insert_event_raw(text, bigint, timestamptz, integer, integer, text, text, text, text, text, text)
    is 'Puts an event into a queue with all its fields given; returns its id';
