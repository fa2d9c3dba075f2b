-- Queues with settings and state. $1: name, or NULL for all. The columns up to
-- ev_new are those of old, in their order. The event tables are found by
-- inheritance, which is the same in every version of PgQ. With a thousand
-- queues each look into a catalog counts: of locks the few that others hold are
-- taken first, of consumers the one that stands furthest back; and sizes, which
-- are asked for table by table, are left out.
with i as (
    select * from pgq.get_queue_info() where $1::text is null
    union all
    select * from pgq.get_queue_info($1) where $1 is not null
), size as (
    select q.queue_id, sum(pg_catalog.pg_total_relation_size(h.inhrelid))::bigint as bytes
      from pgq.queue q
      join (select n.nspname || '.' || c.relname as name, c.oid
              from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind = 'r'
               and c.relhassubclass) p on p.name = q.queue_data_pfx
      join pg_catalog.pg_inherits h on h.inhparent = p.oid
     where ($1 is null or q.queue_name = $1)
       and (select sum(t.queue_ntables) from pgq.queue t where $1 is null or t.queue_name = $1) <= 1000
     group by q.queue_id
), registered as (
    select s.sub_queue, count(*) as consumers,
           min(array[s.sub_last_tick, s.sub_consumer]) filter (where s.sub_last_tick is not null) as last
      from pgq.subscription s
     group by s.sub_queue
), late as (
    -- who stands before the latest rotation needs the tables that it left
    select r.sub_queue, c.co_name, pg_catalog.now() - t.tick_time as age
      from registered r
      join pgq.queue q on q.queue_id = r.sub_queue
      join pgq.tick t on t.tick_queue = r.sub_queue and t.tick_id = r.last[1]
      join pgq.consumer c on c.co_id = r.last[2]
     where t.tick_time < q.queue_switch_time
), lock as materialized (
    select l.relation, l.pid
      from pg_catalog.pg_locks l
     where l.locktype = 'relation'
       and l.granted
       and l.pid is distinct from pg_catalog.pg_backend_pid()
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
), holder as (
    select distinct on (q.queue_id) q.queue_id, l.pid, a.application_name, pg_catalog.now() - a.xact_start as age
      from lock l
      join pg_catalog.pg_inherits h on h.inhrelid = l.relation
      join pg_catalog.pg_class c on c.oid = l.relation
      join pg_catalog.pg_class p on p.oid = h.inhparent
      join pg_catalog.pg_namespace n on n.oid = p.relnamespace
      join pgq.queue q on q.queue_data_pfx = n.nspname || '.' || p.relname
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where c.relname <> p.relname || '_' || q.queue_cur_table
     order by q.queue_id, a.xact_start
)
select i.queue_name,
       i.queue_cur_table || '/' || i.queue_ntables as tables,
       i.queue_ticker_max_count as max_count,
       i.queue_ticker_max_lag as max_lag,
       i.queue_ticker_idle_period as idle_period,
       i.queue_ticker_paused as paused,
       i.ticker_lag,
       pg_catalog.round(i.ev_per_sec::numeric, 2) as ev_per_sec,
       i.ev_new,
       i.last_tick_id as last_tick,
       coalesce(r.consumers, 0) as consumers,
       size.bytes,
       i.queue_rotation_period as rotation_period,
       case when i.queue_rotation_period is null then 'off'
            when q.queue_switch_step2 is null then 'step 2 missing'
            when late.co_name is not null or holder.queue_id is not null then 'blocked'
            when i.queue_switch_time + i.queue_rotation_period < pg_catalog.now() then 'due'
            else 'ok' end as rotation,
       case when late.co_name is not null
            then 'consumer ' || late.co_name || ', ' || pg_catalog.date_trunc('second', late.age)
            when holder.queue_id is not null
            then coalesce('process ' || holder.pid || ' (' || holder.application_name || '), '
                          || pg_catalog.date_trunc('second', holder.age), 'a prepared transaction')
       end as blocker
  from i
  join pgq.queue q on q.queue_name = i.queue_name
  left join registered r on r.sub_queue = q.queue_id
  left join size on size.queue_id = q.queue_id
  left join late on late.sub_queue = q.queue_id
  left join holder on holder.queue_id = q.queue_id
 order by i.queue_name
