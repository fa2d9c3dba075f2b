create or replace function pgq._put_event(
    i_queue text,
    i_id bigint,
    i_time timestamptz,
    i_owner integer,
    i_retry integer,
    i_type text,
    i_data text,
    i_extra1 text,
    i_extra2 text,
    i_extra3 text,
    i_extra4 text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq._put_event(11)
--
--      Puts an event into a queue, for functions that pin search_path.
--
--      It must not land in a table that a rotation has left behind. So the table
--      is locked first, and then the queue's row is read which says that it is
--      the current one (pgq._lock_event_table).
--
--      The transaction has its id before it takes the event's number, so that a
--      ticker which sees the number taken also sees the transaction open.
--      A number is taken whatever happens then, which is how the ticker learns
--      that there is something new.
--
--      The INSERT is parsed and planned for each event, which is most of the
--      cost; hence nothing but values in it.
--
-- Parameters, result and errors: see pgq.insert_event_raw()
-- ----------------------------------------------------------------------
declare
    _q record;
    _id bigint;
    _mark text;
    _locked boolean;
    _table text;
begin
    if i_queue is null then
        raise exception 'Queue name must not be NULL';
    end if;

    loop
        select q.queue_id, q.queue_cur_table, q.queue_data_pfx, q.queue_event_seq,
               q.queue_disable_insert, q.queue_per_tx_limit
          into _q
          from pgq.queue q
         where q.queue_name = i_queue;
        if not found then
            raise exception 'No such queue';
        end if;
        _mark := pg_catalog.txid_current() || ':' || _q.queue_cur_table;
        _locked := pg_catalog.current_setting('pgq.writes_to_' || _q.queue_id, true) = _mark;
        if _id is null then
            _id := pg_catalog.nextval(case when _locked then pg_catalog.to_regclass(_q.queue_event_seq)
                                           else pgq._hold_queue(_q.queue_id, _q.queue_event_seq) end);
            if _id is null then
                raise exception 'No such queue';
            end if;
        end if;
        if _q.queue_disable_insert
           and pg_catalog.current_setting('session_replication_role') <> 'replica'
        then
            raise exception 'Insert into queue disallowed';
        end if;
        _table := pgq.quote_fqname(_q.queue_data_pfx || '_' || _q.queue_cur_table);
        exit when _locked;
        perform pgq._lock_event_table(_q.queue_id, _q.queue_cur_table, _table, _mark);
    end loop;

    -- the limit is for producers; a retried event was let in before
    if _q.queue_per_tx_limit >= 0 and i_owner is null then
        perform pgq._count_event(i_queue, _q.queue_id, _q.queue_cur_table, _q.queue_per_tx_limit, 1);
    end if;
    _id := coalesce(i_id, _id);
    execute 'insert into ' || _table
        || ' (ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
        || ' values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'
      using _id, coalesce(i_time, pg_catalog.now()), i_owner, i_retry,
            i_type, i_data, i_extra1, i_extra2, i_extra3, i_extra4;
    return _id;
end;
$$ language plpgsql;
comment on function pgq._put_event(text, bigint, timestamptz, integer, integer, text, text, text, text, text, text)
    is 'internal: puts an event into a queue';
