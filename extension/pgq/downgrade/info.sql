-- Functions of 3.5, see queues.sql: information.

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
    select q.queue_name, q.queue_ntables, q.queue_cur_table, q.queue_rotation_period, q.queue_switch_time,
           q.queue_external_ticker, q.queue_ticker_paused, q.queue_ticker_max_count, q.queue_ticker_max_lag,
           q.queue_ticker_idle_period,
           pg_catalog.now() - l.tick_time,
           (l.tick_event_seq - f.tick_event_seq)
               / nullif(extract(epoch from l.tick_time - f.tick_time), 0)::float8,
           pgq.seq_getval(q.queue_event_seq) - l.tick_event_seq,
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
    select i.queue_name, i.queue_ntables, i.queue_cur_table, i.queue_rotation_period, i.queue_switch_time,
           i.queue_external_ticker, i.queue_ticker_paused, i.queue_ticker_max_count, i.queue_ticker_max_lag,
           i.queue_ticker_idle_period, i.ticker_lag, i.ev_per_sec, i.ev_new, i.last_tick_id
      from pgq.get_queue_info(null) i;
$$ language sql;
