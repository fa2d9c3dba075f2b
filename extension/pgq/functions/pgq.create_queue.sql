create or replace function pgq.create_queue(i_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.create_queue(1)
--
--      Creates a queue with its event tables and its first tick.
--
--      Creations wait for each other on pgq.event_template, which CREATE TABLE
--      would lock anyway; taken first, the order of locks is the same in all.
--
-- Returns:
--      1 - created
--      0 - exists already
--
-- Errors:
--      Invalid NULL value
-- ----------------------------------------------------------------------
declare
    _id integer;
    _parent text;
    _ntables integer;
begin
    if i_queue_name is null then
        raise exception 'Invalid NULL value';
    end if;
    if exists (select 1 from pgq.queue q where q.queue_name = i_queue_name) then
        return 0;
    end if;

    -- ONLY, as one of the other queues' tables may be dropped at this moment
    lock table only pgq.event_template in share update exclusive mode;
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
        perform pgq._create_event_table(_id, _n);
    end loop;
    -- opened before all ticks, also those that this transaction makes
    update pgq.event_table set et_opened = 0 where et_queue = _id and et_num = 0;

    perform pgq.grant_perms(i_queue_name);
    -- Not by pgq.ticker(): in REPEATABLE READ the snapshot of this tick is older
    -- than the queue, which is all the same while there are no events.
    perform pgq._insert_tick(_id, pg_catalog.nextval((_parent || '_tick_seq')::regclass), pg_catalog.now(), 1);
    perform pgq.tune_storage(i_queue_name);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set client_min_messages to warning;
comment on function pgq.create_queue(text) is 'Creates a queue; 0: exists already';
