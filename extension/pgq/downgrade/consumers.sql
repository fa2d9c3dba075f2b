-- ----------------------------------------------------------------------
-- Functions of 3.5, see queues.sql: consumers and batches. Whoever changes a
-- position locks its row first.
-- ----------------------------------------------------------------------

create or replace function pgq.register_consumer_at(x_queue_name text, x_consumer_name text, x_tick_pos bigint)
returns integer as $$
declare
    _queue_id integer;
    _co_id integer;
    _tick bigint := x_tick_pos;
begin
    select q.queue_id into _queue_id from pgq.queue q where q.queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not created yet';
    end if;
    loop
        insert into pgq.consumer (co_name) values (x_consumer_name) on conflict (co_name) do nothing;
        select c.co_id into _co_id from pgq.consumer c where c.co_name = x_consumer_name for update;
        exit when found;
    end loop;
    if x_tick_pos is not null
       and not exists (select 1 from pgq.tick t where t.tick_queue = _queue_id and t.tick_id = x_tick_pos)
    then
        raise exception 'cannot reposition, tick not found: %', x_tick_pos;
    end if;

    if x_tick_pos is null then
        perform 1 from pgq.subscription s where s.sub_queue = _queue_id and s.sub_consumer = _co_id;
    else
        update pgq.subscription
           set sub_last_tick = x_tick_pos, sub_active = pg_catalog.now(), sub_batch = null, sub_next_tick = null
         where sub_queue = _queue_id and sub_consumer = _co_id;
    end if;
    if found then
        return 0;
    end if;

    if _tick is null then
        select t.tick_id into _tick from pgq.tick t where t.tick_queue = _queue_id order by t.tick_id desc limit 1;
        if not found then
            raise exception 'No ticks for this queue.  Please run ticker on database.';
        end if;
    end if;
    insert into pgq.subscription (sub_queue, sub_consumer, sub_last_tick) values (_queue_id, _co_id, _tick);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.unregister_consumer(x_queue_name text, x_consumer_name text) returns integer as $$
declare
    _s record;
    _count integer;
begin
    select s.sub_queue, s.sub_id, s.sub_consumer, (s.sub_last_tick is null) = (s.sub_next_tick is null) as part into _s
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = x_queue_name and c.co_name = x_consumer_name
       for update of s, c;
    if not found then
        return 0;
    end if;
    -- a subconsumer shares the id of its main consumer
    if _s.part and (select count(*) from pgq.subscription s where s.sub_id = _s.sub_id) > 1 then
        delete from pgq.subscription where sub_queue = _s.sub_queue and sub_consumer = _s.sub_consumer;
        return 1;
    end if;
    delete from pgq.subscription where sub_id = _s.sub_id;
    get diagnostics _count = row_count;
    delete from pgq.retry_queue where ev_owner = _s.sub_id;
    delete from pgq.consumer c
     where c.co_id = _s.sub_consumer and not exists (select 1 from pgq.subscription s where s.sub_consumer = c.co_id);
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.next_batch_custom(
    in i_queue_name text, in i_consumer_name text, in i_min_lag interval, in i_min_count integer, in i_min_interval interval,
    out batch_id bigint, out cur_tick_id bigint, out prev_tick_id bigint, out cur_tick_time timestamptz,
    out prev_tick_time timestamptz, out cur_tick_event_seq bigint, out prev_tick_event_seq bigint)
as $$
declare
    _s record;
    _locked boolean := false;
begin
    -- first without the lock: most calls of an idle consumer end here
    loop
        select s.sub_queue, s.sub_consumer, s.sub_next_tick, s.sub_batch,
               p.tick_id as prev_id, p.tick_time as prev_time, p.tick_event_seq as prev_seq,
               n.tick_time as next_time, n.tick_event_seq as next_seq
          into _s
          from pgq.queue q
          join pgq.subscription s on s.sub_queue = q.queue_id
          join pgq.consumer c on c.co_id = s.sub_consumer
          left join pgq.tick p on p.tick_queue = s.sub_queue and p.tick_id = s.sub_last_tick
          left join pgq.tick n on n.tick_queue = s.sub_queue and n.tick_id = s.sub_next_tick
         where q.queue_name = i_queue_name and c.co_name = i_consumer_name;
        if not found then
            raise exception 'Not subscriber to queue: %/%', coalesce(i_queue_name, 'NULL'), coalesce(i_consumer_name, 'NULL');
        end if;
        if _s.prev_id is null then
            raise exception 'PgQ corruption: Consumer % on queue % does not see tick %', i_consumer_name, i_queue_name, '<NULL>';
        end if;
        prev_tick_id := _s.prev_id;
        prev_tick_time := _s.prev_time;
        prev_tick_event_seq := _s.prev_seq;
        if _s.sub_batch is not null then
            batch_id := _s.sub_batch;
            cur_tick_id := _s.sub_next_tick;
            cur_tick_time := _s.next_time;
            cur_tick_event_seq := _s.next_seq;
            return;
        end if;

        if i_min_count is null and i_min_interval is null then
            select t.tick_id, t.tick_time, t.tick_event_seq into cur_tick_id, cur_tick_time, cur_tick_event_seq
              from pgq.tick t
             where t.tick_queue = _s.sub_queue and t.tick_id > _s.prev_id
             order by t.tick_id
             limit 1;
        else
            select h.next_tick_id, h.next_tick_time, h.next_tick_seq into cur_tick_id, cur_tick_time, cur_tick_event_seq
              from pgq.find_tick_helper(_s.sub_queue, _s.prev_id, _s.prev_time, _s.prev_seq, i_min_count, i_min_interval) h;
        end if;
        if cur_tick_id is null or i_min_lag is not null and pg_catalog.now() - cur_tick_time < i_min_lag then
            cur_tick_id := null;
            prev_tick_id := null;
            cur_tick_time := null;
            prev_tick_time := null;
            cur_tick_event_seq := null;
            prev_tick_event_seq := null;
            return;
        end if;
        exit when _locked;
        perform 1 from pgq.subscription s where s.sub_queue = _s.sub_queue and s.sub_consumer = _s.sub_consumer for update;
        _locked := true;
    end loop;

    batch_id := pg_catalog.nextval('pgq.batch_id_seq');
    update pgq.subscription
       set sub_batch = batch_id, sub_next_tick = cur_tick_id, sub_active = pg_catalog.now()
     where sub_queue = _s.sub_queue and sub_consumer = _s.sub_consumer;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.batch_event_tables(x_batch_id bigint) returns setof text as $$
declare
    _b record;
begin
    select q.queue_data_pfx, q.queue_cur_table, q.queue_ntables, q.queue_switch_step1, q.queue_switch_step2,
           pg_catalog.txid_snapshot_xmin(p.tick_snapshot) as low, pg_catalog.txid_snapshot_xmax(c.tick_snapshot) as high
      into _b
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.tick p on p.tick_queue = s.sub_queue and p.tick_id = s.sub_last_tick
      join pgq.tick c on c.tick_queue = s.sub_queue and c.tick_id = s.sub_next_tick
     where s.sub_batch = x_batch_id;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
    -- the previous one, unless all that wrote to it is visible at the start
    if _b.queue_switch_step2 is null or _b.low <= _b.queue_switch_step2 then
        return next _b.queue_data_pfx || '_' || (_b.queue_cur_table - 1 + _b.queue_ntables) % _b.queue_ntables;
    end if;
    -- the current one, unless it was not there yet at the end
    if _b.high >= _b.queue_switch_step1 then
        return next _b.queue_data_pfx || '_' || _b.queue_cur_table;
    end if;
end;
$$ language plpgsql;

-- As in 4.0, where ../functions/pgq.batch_event_sql.sql explains it.
create or replace function pgq.batch_event_sql(x_batch_id bigint) returns text as $$
declare
    _b record;
    _start bigint;
    _ids bigint[] := array[]::bigint[];
    _txid bigint;
    _where text;
    _table text;
    _sql text := '';
begin
    select s.sub_id, p.tick_snapshot as prev, c.tick_snapshot as cur into _b
      from pgq.subscription s
      join pgq.tick p on p.tick_queue = s.sub_queue and p.tick_id = s.sub_last_tick
      join pgq.tick c on c.tick_queue = s.sub_queue and c.tick_id = s.sub_next_tick
     where s.sub_batch = x_batch_id;
    if not found then
        raise exception 'batch not found';
    end if;
    _start := pg_catalog.txid_snapshot_xmax(_b.prev);
    for _txid in
        select x from pg_catalog.txid_snapshot_xip(_b.prev) x
         where pg_catalog.txid_visible_in_snapshot(x, _b.cur)
         order by x desc
    loop
        if _txid >= _start - 100 then
            _start := _txid;
        else
            _ids := _ids || _txid;
        end if;
    end loop;
    for _table in select pgq.quote_fqname(t) from pgq.batch_event_tables(x_batch_id) t loop
        foreach _where in array array[
            pg_catalog.format('ev_txid >= %s and ev_txid < %s and pg_catalog.txid_visible_in_snapshot(ev_txid, %L)'
                || ' and not pg_catalog.txid_visible_in_snapshot(ev_txid, %L)', _start, pg_catalog.txid_snapshot_xmax(_b.cur), _b.cur, _b.prev),
            case when pg_catalog.cardinality(_ids) > 0 then pg_catalog.format('ev_txid in (%s)', pg_catalog.array_to_string(_ids, ',')) end]
        loop
            continue when _where is null;
            _sql := _sql || case when _sql <> '' then ' union all ' else '' end
                || pg_catalog.format('select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
                || ' from %s where %s and (ev_owner = %s or ev_owner is null)', _table, _where, _b.sub_id);
        end loop;
    end loop;
    if _sql = '' then
        raise exception 'could not construct sql for batch %', x_batch_id;
    end if;
    return _sql || ' order by 1';
end;
$$ language plpgsql;

create or replace function pgq.get_batch_info(
    in x_batch_id bigint,
    out queue_name text, out consumer_name text, out batch_start timestamptz, out batch_end timestamptz, out prev_tick_id bigint,
    out tick_id bigint, out lag interval, out seq_start bigint, out seq_end bigint)
as $$
begin
    select q.queue_name, c.co_name, p.tick_time, n.tick_time, p.tick_id, n.tick_id, pg_catalog.now() - n.tick_time, p.tick_event_seq, n.tick_event_seq
      into queue_name, consumer_name, batch_start, batch_end, prev_tick_id, tick_id, lag, seq_start, seq_end
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
      join pgq.tick p on p.tick_queue = s.sub_queue and p.tick_id = s.sub_last_tick
      join pgq.tick n on n.tick_queue = s.sub_queue and n.tick_id = s.sub_next_tick
     where s.sub_batch = x_batch_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_time timestamptz) returns integer as $$
begin
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    select x_retry_time, s.sub_queue, e.ev_id, e.ev_time, s.sub_id, coalesce(e.ev_retry, 0) + 1,
           e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4
      from pgq.subscription s, pgq.get_batch_events(x_batch_id) e
     where s.sub_batch = x_batch_id and e.ev_id = x_event_id;
    if not found then
        raise exception 'event not found';
    end if;
    return 1;
exception
    when unique_violation then
        return 0;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_seconds integer) returns integer as $$
begin
    return pgq.event_retry(x_batch_id, x_event_id, current_timestamp + x_retry_seconds * interval '1 second');
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.batch_retry(i_batch_id bigint, i_retry_seconds integer) returns integer as $$
declare
    _s record;
    _count integer;
begin
    select s.sub_queue, s.sub_id into _s from pgq.subscription s where s.sub_batch = i_batch_id;
    if not found then
        raise exception 'batch_retry: batch % not found', i_batch_id;
    end if;
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    select current_timestamp + i_retry_seconds * interval '1 second', _s.sub_queue, e.ev_id, e.ev_time, _s.sub_id, coalesce(e.ev_retry, 0) + 1,
           e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4
      from pgq.get_batch_events(i_batch_id) e
        on conflict do nothing;
    get diagnostics _count = row_count;
    return _count;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.event_retry_raw(
    x_queue text, x_consumer text, x_retry_after timestamptz, x_ev_id bigint, x_ev_time timestamptz, x_ev_retry integer,
    x_ev_type text, x_ev_data text, x_ev_extra1 text, x_ev_extra2 text, x_ev_extra3 text, x_ev_extra4 text)
returns bigint as $$
declare
    _s record;
    _id bigint := x_ev_id;
begin
    select q.queue_id, q.queue_event_seq, s.sub_id into _s
      from pgq.subscription s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.consumer c on c.co_id = s.sub_consumer
     where q.queue_name = x_queue and c.co_name = x_consumer;
    if not found then
        raise exception 'consumer not registered';
    end if;
    if _id is null then
        _id := pg_catalog.nextval(_s.queue_event_seq::regclass);
    end if;
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    values (x_retry_after, _s.queue_id, _id, x_ev_time, _s.sub_id, x_ev_retry, x_ev_type, x_ev_data, x_ev_extra1, x_ev_extra2, x_ev_extra3, x_ev_extra4);
    return _id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.finish_batch(x_batch_id bigint) returns integer as $$
begin
    update pgq.subscription
       set sub_last_tick = sub_next_tick, sub_next_tick = null, sub_batch = null, sub_active = pg_catalog.now()
     where sub_batch = x_batch_id;
    if not found then
        raise warning 'finish_batch: batch % not found', x_batch_id;
        return 0;
    end if;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
