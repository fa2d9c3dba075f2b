create or replace function pgq.insert_events(
    queue_name text,
    ev_type text[],
    ev_data text[],
    ev_extra1 text[] default null,
    ev_extra2 text[] default null,
    ev_extra3 text[] default null,
    ev_extra4 text[] default null)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.insert_events(7)
--
--      Puts many events into a queue, as part of the current transaction:
--      one for each element of the arrays, in their order. One statement does
--      it, under the rules of pgq._put_event().
--
-- Parameters:
--      queue_name      - queue
--      ev_type .. ev_extra4 - arrays of one length; NULL: the field is NULL in
--                        all events
--
-- Returns:
--      number of events
--
-- Errors:
--      Arrays of events differ in length
--      those of pgq.insert_event_raw()
-- ----------------------------------------------------------------------
declare
    _q record;
    _n integer;
    _len integer;
    _ids bigint[];
    _seq regclass;
    _mark text;
    _table text;
begin
    if queue_name is null then
        raise exception 'Queue name must not be NULL';
    end if;
    foreach _len in array array[
        pg_catalog.cardinality(ev_type), pg_catalog.cardinality(ev_data), pg_catalog.cardinality(ev_extra1),
        pg_catalog.cardinality(ev_extra2), pg_catalog.cardinality(ev_extra3), pg_catalog.cardinality(ev_extra4)]
    loop
        if _len <> _n then
            raise exception 'Arrays of events differ in length';
        end if;
        _n := coalesce(_len, _n);
    end loop;
    _n := coalesce(_n, 0);

    loop
        select q.queue_id, q.queue_cur_table, q.queue_data_pfx, q.queue_event_seq,
               q.queue_disable_insert, q.queue_per_tx_limit
          into _q
          from pgq.queue q
         where q.queue_name = insert_events.queue_name;
        if not found then
            raise exception 'No such queue';
        end if;
        _mark := pg_catalog.txid_current() || ':' || _q.queue_cur_table;
        if _ids is null then
            _seq := pgq._hold_queue(_q.queue_id, _q.queue_event_seq);
            if _seq is null then
                raise exception 'No such queue';
            end if;
            _ids := array(select pg_catalog.nextval(_seq) from pg_catalog.generate_series(1, _n));
        end if;
        if _q.queue_disable_insert
           and pg_catalog.current_setting('session_replication_role') <> 'replica'
        then
            raise exception 'Insert into queue disallowed';
        end if;
        _table := pgq.quote_fqname(_q.queue_data_pfx || '_' || _q.queue_cur_table);
        exit when pg_catalog.current_setting('pgq.writes_to_' || _q.queue_id, true) = _mark;
        perform pgq._lock_event_table(_q.queue_id, _q.queue_cur_table, _table, _mark);
    end loop;

    if _q.queue_per_tx_limit >= 0 then
        perform pgq._count_event(queue_name, _q.queue_id, _q.queue_cur_table, _q.queue_per_tx_limit, _n);
    end if;
    execute 'insert into ' || _table
        || ' (ev_id, ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
        || ' select e.ev_id, $1, e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4'
        || ' from unnest($2, $3, $4, $5, $6, $7, $8)'
        || ' e (ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
      using pg_catalog.now(), _ids, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4;
    return _n;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.insert_events(text, text[], text[], text[], text[], text[], text[])
    is 'Puts many events into a queue, given as arrays; returns how many';
