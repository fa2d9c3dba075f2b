-- ----------------------------------------------------------------------
-- Functions of 3.5, see queues.sql: maintenance.
-- ----------------------------------------------------------------------

create or replace function pgq.maint_rotate_tables_step1(i_queue_name text) returns integer as $$
declare
    _q record;
    _tick bigint;
    _xmin bigint;
    _next integer;
    _table text;
begin
    select q.* into _q
      from pgq.queue q
     where q.queue_name = i_queue_name
       and q.queue_rotation_period is not null
       and q.queue_switch_step2 is not null
       and q.queue_switch_time + q.queue_rotation_period < current_timestamp
       for update;
    if not found then
        return 0;
    end if;
    if pg_catalog.txid_current() < _q.queue_switch_step1 then
        raise exception 'queue % maint failure: step1=%, current=%', i_queue_name, _q.queue_switch_step1, pg_catalog.txid_current();
    end if;

    select min(s.sub_last_tick) into _tick from pgq.subscription s where s.sub_queue = _q.queue_id;
    if _tick is not null then
        select pg_catalog.txid_snapshot_xmin(t.tick_snapshot) into _xmin from pgq.tick t where t.tick_queue = _q.queue_id and t.tick_id = _tick;
        if not found then
            raise exception 'queue % maint failure: tick % not found', i_queue_name, _tick;
        end if;
        if _xmin <= _q.queue_switch_step2 then
            return 0;
        end if;
    end if;

    _next := (_q.queue_cur_table + 1) % _q.queue_ntables;
    _table := pgq.quote_fqname(_q.queue_data_pfx || '_' || _next);
    begin
        execute 'lock table ' || _table || ' nowait';
        execute 'truncate ' || _table;
    exception
        when lock_not_available then
            return 0;
    end;
    update pgq.queue
       set queue_cur_table = _next, queue_switch_time = current_timestamp,
           queue_switch_step1 = pg_catalog.txid_current(), queue_switch_step2 = null
     where queue_id = _q.queue_id;
    delete from pgq.tick
     where tick_queue = _q.queue_id and pg_catalog.txid_snapshot_xmin(tick_snapshot) < _q.queue_switch_step2;
    return 0;
end;
$$ language plpgsql;

create or replace function pgq.maint_rotate_tables_step2() returns integer as $$
begin
    update pgq.queue set queue_switch_step2 = pg_catalog.txid_current() where queue_switch_step2 is null;
    return 0;
end;
$$ language plpgsql;

create or replace function pgq.maint_tables_to_vacuum() returns setof text as $$
begin
    if pg_catalog.current_setting('autovacuum') = 'on' then
        return;
    end if;
    return query
        select x.name
          from pg_catalog.unnest(array[
                    'pgq.subscription', 'pgq.consumer', 'pgq.queue', 'pgq.tick', 'pgq.retry_queue',
                    'pgq_ext.completed_tick', 'pgq_ext.completed_batch', 'pgq_ext.completed_event', 'pgq_ext.partial_batch',
                    'pgq_node.local_state', 'londiste.seq_info', 'txid.epoch', 'londiste.completed']) with ordinality x (name, pos)
          join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(x.name)
         where c.relkind = 'r'
         order by x.pos;
end;
$$ language plpgsql;

create or replace function pgq.maint_operations(out func_name text, out func_arg text) returns setof record as $$
begin
    return query
        select 'pgq.maint_rotate_tables_step1'::text, q.queue_name
          from pgq.queue q
         where q.queue_switch_step2 is not null and q.queue_switch_time + q.queue_rotation_period < current_timestamp
         order by q.queue_name;
    if found or exists (select 1 from pgq.queue q where q.queue_switch_step2 is null) then
        return query select 'pgq.maint_rotate_tables_step2'::text, null::text;
    end if;
    return query
        select f.name, q.queue_name
          from pgq.queue q
         cross join lateral pg_catalog.unnest(q.queue_extra_maint) with ordinality f (name, pos)
         order by q.queue_name, f.pos;
    return query select 'vacuum'::text, t from pgq.maint_tables_to_vacuum() t;

    if pg_catalog.to_regproc('pgq_node.maint_watermark') is not null then
        return query execute 'select ''pgq_node.maint_watermark''::text, n.queue_name from pgq_node.node_info n'
            ' where n.node_type = ''root'' order by n.queue_name';
    end if;
    if pg_catalog.to_regproc('londiste.root_check_seqs') is not null then
        return query execute 'select distinct ''londiste.root_check_seqs''::text, s.queue_name'
            ' from londiste.seq_info s join pgq_node.node_info n on n.queue_name = s.queue_name'
            ' where s.local and n.node_type = ''root'' order by 2';
    end if;
    if pg_catalog.to_regproc('londiste.periodic_maintenance') is not null then
        return query select 'londiste.periodic_maintenance'::text, null::text;
    end if;
end;
$$ language plpgsql;
