-- ----------------------------------------------------------------------
-- Functions of 3.5 as its contract has them, for the time until upstream's own
-- take their place: queues and producers.
-- ----------------------------------------------------------------------

create or replace function pgq.version() returns text as $$
    select e.extversion from pg_catalog.pg_extension e where e.extname = 'pgq';
$$ language sql;

create or replace function pgq.grant_perms(x_queue_name text) returns integer as $$
declare
    _q record;
begin
    select q.queue_data_pfx, q.queue_ntables into _q from pgq.queue q where q.queue_name = x_queue_name;
    if not found then
        raise exception 'Queue not found';
    end if;
    perform pgq._grant_perms_from('pgq', 'event_template', 'pgq', pg_catalog.split_part(_q.queue_data_pfx, '.', 2));
    for _n in 0 .. _q.queue_ntables - 1 loop
        perform pgq._grant_perms_from('pgq', 'event_template', 'pgq', pg_catalog.split_part(_q.queue_data_pfx, '.', 2) || '_' || _n);
    end loop;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.tune_storage(i_queue_name text) returns integer as $$
declare
    _q record;
begin
    select q.queue_data_pfx, q.queue_ntables into _q from pgq.queue q where q.queue_name = i_queue_name;
    if not found then
        return 0;
    end if;
    for _n in 0 .. _q.queue_ntables - 1 loop
        execute 'alter table ' || pgq.quote_fqname(_q.queue_data_pfx || '_' || _n)
            || ' set (fillfactor = 100, autovacuum_enabled = off, toast.autovacuum_enabled = off)';
    end loop;
    return 1;
end;
$$ language plpgsql strict;

create or replace function pgq.create_queue(i_queue_name text) returns integer as $$
declare
    _id integer;
    _parent text;
    _table text;
    _ntables integer;
begin
    if i_queue_name is null then
        raise exception 'Invalid NULL value';
    end if;
    lock table pgq.event_template in share update exclusive mode;
    if exists (select 1 from pgq.queue q where q.queue_name = i_queue_name) then
        return 0;
    end if;

    _id := pg_catalog.nextval('pgq.queue_queue_id_seq');
    _parent := 'pgq.event_' || _id;
    insert into pgq.queue (queue_id, queue_name, queue_data_pfx, queue_event_seq, queue_tick_seq)
    values (_id, i_queue_name, _parent, _parent || '_id_seq', _parent || '_tick_seq')
    returning queue_ntables into _ntables;
    execute 'create sequence ' || _parent || '_id_seq';
    execute 'create sequence ' || _parent || '_tick_seq';
    execute 'grant select on sequence ' || _parent || '_tick_seq, ' || _parent || '_id_seq to public';
    execute 'grant usage on sequence ' || _parent || '_id_seq to pgq_admin';
    execute 'create table ' || _parent || ' () inherits (pgq.event_template)';
    for _n in 0 .. _ntables - 1 loop
        _table := _parent || '_' || _n;
        execute 'create table ' || _table || ' () inherits (' || _parent || ')';
        execute pg_catalog.format('alter table %s alter column ev_id set default pg_catalog.nextval(%L)', _table, _parent || '_id_seq');
        execute pg_catalog.format('create index event_%s_%s_txid_idx on %s (ev_txid)', _id, _n, _table);
    end loop;
    perform pgq.grant_perms(i_queue_name);
    perform pgq.ticker(i_queue_name);
    perform pgq.tune_storage(i_queue_name);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set client_min_messages to warning;

create or replace function pgq.drop_queue(x_queue_name text, x_force boolean) returns integer as $$
declare
    _q record;
    _name text;
begin
    select q.* into _q from pgq.queue q where q.queue_name = x_queue_name for update;
    if not found then
        raise exception 'No such event queue';
    end if;
    if coalesce(x_force, false) then
        for _name in
            select c.co_name from pgq.subscription s join pgq.consumer c on c.co_id = s.sub_consumer where s.sub_queue = _q.queue_id
        loop
            perform pgq.unregister_consumer(x_queue_name, _name);
        end loop;
    elsif exists (select 1 from pgq.subscription s where s.sub_queue = _q.queue_id) then
        raise exception 'cannot drop queue, consumers still attached';
    end if;
    for _n in 0 .. _q.queue_ntables - 1 loop
        execute 'drop table ' || pgq.quote_fqname(_q.queue_data_pfx || '_' || _n);
    end loop;
    execute 'drop table ' || pgq.quote_fqname(_q.queue_data_pfx);
    delete from pgq.tick where tick_queue = _q.queue_id;
    execute 'drop sequence ' || pgq.quote_fqname(_q.queue_tick_seq);
    execute 'drop sequence ' || pgq.quote_fqname(_q.queue_event_seq);
    delete from pgq.queue where queue_id = _q.queue_id;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.drop_queue(x_queue_name text) returns integer as $$
begin
    return pgq.drop_queue(x_queue_name, false);
end;
$$ language plpgsql strict;

-- Library and symbol are upstream's, too.
create or replace function pgq.insert_event_raw(
    queue_name text, ev_id bigint, ev_time timestamptz, ev_owner integer, ev_retry integer,
    ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
returns bigint as '$libdir/pgq_lowlevel', 'pgq_insert_event_raw' language c;

create or replace function pgq.insert_event(
    queue_name text, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
returns bigint as $$
begin
    return pgq.insert_event_raw(queue_name, null, pg_catalog.now(), null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;

create or replace function pgq.insert_event(queue_name text, ev_type text, ev_data text) returns bigint as $$
begin
    return pgq.insert_event(queue_name, ev_type, ev_data, null, null, null, null);
end;
$$ language plpgsql;

create or replace function pgq.current_event_table(x_queue_name text) returns text as $$
declare
    _q record;
begin
    select q.queue_data_pfx || '_' || q.queue_cur_table as name, q.queue_disable_insert into _q
      from pgq.queue q where q.queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not found';
    end if;
    if _q.queue_disable_insert and pg_catalog.current_setting('session_replication_role') <> 'replica' then
        raise exception 'Writing to queue disabled';
    end if;
    return _q.name;
end;
$$ language plpgsql;
