create or replace function pgq.get_queue_info(
    in i_queue_name text,
    out queue_name text,
    out queue_ntables integer,
    out queue_cur_table integer,
    out queue_rotation_period interval,
    out queue_switch_time timestamptz,
    out queue_external_ticker boolean,
    out queue_ticker_paused boolean,
    out queue_ticker_max_count integer,
    out queue_ticker_max_lag interval,
    out queue_ticker_idle_period interval,
    out ticker_lag interval,
    out ev_per_sec float8,
    out ev_new bigint,
    out last_tick_id bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_queue_info(1)
--
--      Settings and state of a queue, or of all of them.
--
-- Parameters:
--      i_queue_name    - queue; NULL: all
--
-- Returns:
--      ticker_lag      - age of the newest tick
--      ev_per_sec      - over the last 20 ticks; NULL: too few ticks
--      ev_new          - events after the newest tick, by the event sequence;
--                        NULL: the queue was dropped a moment ago
-- ----------------------------------------------------------------------
    select q.queue_name, q.queue_ntables, q.queue_cur_table, q.queue_rotation_period, q.queue_switch_time,
           q.queue_external_ticker, q.queue_ticker_paused, q.queue_ticker_max_count, q.queue_ticker_max_lag,
           q.queue_ticker_idle_period,
           pg_catalog.now() - l.tick_time,
           (l.tick_event_seq - f.tick_event_seq)
               / nullif(extract(epoch from l.tick_time - f.tick_time), 0)::float8,
           -- as pgq._hold_queue() does, whose calls would be half of the time with
           -- many queues; the size of no index opens the sequence and costs nothing
           case when pg_catalog.pg_advisory_xact_lock_shared('pgq.queue'::regclass::oid::integer, q.queue_id) is null
                     then null
                when pg_catalog.pg_indexes_size(pg_catalog.to_regclass(q.queue_event_seq)) is null
                     then null
                else coalesce(pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass(q.queue_event_seq)), 1) end
               - l.tick_event_seq,
           l.tick_id
      from pgq.queue q
      left join lateral (
            select t.tick_id, t.tick_time, t.tick_event_seq
              from pgq.tick t
             where t.tick_queue = q.queue_id
             order by t.tick_id desc
             limit 1) l on true
      left join lateral (
            select t.tick_time, t.tick_event_seq
              from pgq.tick t
             where t.tick_queue = q.queue_id
               and t.tick_id >= l.tick_id - 20
               and t.tick_id < l.tick_id
             order by t.tick_id
             limit 1) f on true
     where i_queue_name is null or q.queue_name = i_queue_name
     order by q.queue_name;
$$ language sql;
comment on function pgq.get_queue_info(text) is 'Settings and state of a queue; NULL: of all queues';

create or replace function pgq.get_queue_info(
    out queue_name text,
    out queue_ntables integer,
    out queue_cur_table integer,
    out queue_rotation_period interval,
    out queue_switch_time timestamptz,
    out queue_external_ticker boolean,
    out queue_ticker_paused boolean,
    out queue_ticker_max_count integer,
    out queue_ticker_max_lag interval,
    out queue_ticker_idle_period interval,
    out ticker_lag interval,
    out ev_per_sec float8,
    out ev_new bigint,
    out last_tick_id bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_queue_info(0)
--
--      Settings and state of all queues.
-- ----------------------------------------------------------------------
    select i.queue_name, i.queue_ntables, i.queue_cur_table, i.queue_rotation_period, i.queue_switch_time,
           i.queue_external_ticker, i.queue_ticker_paused, i.queue_ticker_max_count, i.queue_ticker_max_lag,
           i.queue_ticker_idle_period, i.ticker_lag, i.ev_per_sec, i.ev_new, i.last_tick_id
      from pgq.get_queue_info(null) i;
$$ language sql;
comment on function pgq.get_queue_info() is 'Settings and state of all queues';
