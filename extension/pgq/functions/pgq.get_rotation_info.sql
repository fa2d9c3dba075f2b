create or replace function pgq.get_rotation_info(
    in i_queue_name text,
    out queue_name text,
    out table_name text,
    out state text,
    out bytes bigint,
    out blocker text,
    out blocker_kind text,
    out pid integer,
    out age interval,
    out application text)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_rotation_info(1)
--
--      Event tables of a queue, and who keeps the old ones from being
--      truncated, one row each. Names of other users' applications are shown
--      to members of pg_read_all_stats only, as everywhere.
--
-- Parameters:
--      i_queue_name    - queue; NULL: all
--
-- Returns:
--      state           - current: producers write to it
--                        written: left behind, but open transactions may have
--                        written to it
--                        unread: complete, but a consumer has not read it all
--                        kept: read, and kept for one rotation period
--                        free: empty
--                        ticks: not a table of events but pgq.tick, whose
--                        deleted rows vacuum must keep for an old snapshot
--      bytes           - size on disk, with index and TOAST
--      blocker         - consumer, process id as text, or name of a prepared
--                        transaction; NULL: nobody
--      blocker_kind    - consumer, writer, reader or snapshot
--      pid             - process id, if it is one; a prepared transaction has 0
--      age             - lag of the consumer, or age of the transaction
--      application     - application_name
-- ----------------------------------------------------------------------
declare
    _all boolean := pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'usage');
begin
    return query
    with tab as (
        select q.queue_id, q.queue_name as qname, q.queue_switch_time, et.et_num, et.et_opened, et.et_drained,
               q.queue_data_pfx || '_' || et.et_num as tname,
               h.rel,
               et.et_num = q.queue_cur_table as is_current,
               lead(et.et_opened) over (partition by et.et_queue order by et.et_opened) as next_opened,
               (select t.tick_id from pgq.tick t
                 where t.tick_queue = q.queue_id
                   and pg_catalog.txid_visible_in_snapshot(et.et_drained, t.tick_snapshot)
                 order by t.tick_id limit 1) as first_tick
          from pgq.queue q
          join pgq.event_table et on et.et_queue = q.queue_id
         cross join lateral pgq._hold_queue(q.queue_id, q.queue_data_pfx || '_' || et.et_num) h (rel)
         where (i_queue_name is null or q.queue_name = i_queue_name)
           and h.rel is not null
    ), late as (
        select tab.rel, c.co_name, pg_catalog.now() - t.tick_time as lag
          from tab
          join pgq.subscription s on s.sub_queue = tab.queue_id
          join pgq.consumer c on c.co_id = s.sub_consumer
          left join pgq.tick t on t.tick_queue = s.sub_queue and t.tick_id = s.sub_last_tick
         where tab.et_opened is not null
           and not tab.is_current
           and s.sub_last_tick is not null
               -- of a table that is written to: who stands before the rotation away from it
           and case when tab.et_drained is null
                    then pg_catalog.txid_visible_in_snapshot(tab.next_opened, t.tick_snapshot) is not true
                    else tab.first_tick is null or s.sub_last_tick < tab.first_tick end
    ), holder as (
        select distinct on (tab.rel, l.virtualtransaction) tab.rel, coalesce(l.pid, 0) as pid,
               coalesce(l.pid::text, x.gid) as who,
               case when l.mode in ('AccessShareLock', 'RowShareLock') then 'reader' else 'writer' end as kind,
               coalesce(a.xact_start, x.prepared) as since,
               case when _all or a.usename = session_user then a.application_name end as application_name
          from tab
          join pg_catalog.pg_locks l on l.locktype = 'relation' and l.relation = tab.rel::oid and l.granted
           and l.database = (select d.oid from pg_catalog.pg_database d
                              where d.datname = pg_catalog.current_database())
          left join pg_catalog.pg_stat_activity a on a.pid = l.pid
          -- a prepared transaction has no process, but holds the lock on its id
          left join lateral (
                select p.gid, p.prepared
                  from pg_catalog.pg_locks i
                  join pg_catalog.pg_prepared_xacts p on p.transaction = i.transactionid
                 where l.pid is null
                   and i.pid is null
                   and i.locktype = 'transactionid'
                   and i.virtualtransaction = l.virtualtransaction) x on true
         where tab.et_opened is not null
           and not tab.is_current
           and l.pid is distinct from pg_catalog.pg_backend_pid()
         order by tab.rel, l.virtualtransaction, (l.mode in ('AccessShareLock', 'RowShareLock'))
    ), blocked as (
        select late.rel, late.co_name as who, 'consumer' as kind, null::integer as pid,
               late.lag as age, null::text as app
          from late
        union all
        select h.rel, h.who, h.kind, h.pid, pg_catalog.now() - h.since, h.application_name
          from holder h
    )
    select tab.qname, tab.tname,
           case when tab.is_current then 'current'
                when tab.et_opened is null then 'free'
                when tab.et_drained is null then 'written'
                when exists (select 1 from late where late.rel = tab.rel) then 'unread'
                else 'kept' end,
           pg_catalog.pg_total_relation_size(tab.rel),
           b.who, b.kind, b.pid, b.age, b.app
      from tab
      left join blocked b on b.rel = tab.rel
    union all
    select q.queue_name, 'pgq.tick', 'ticks', pg_catalog.pg_total_relation_size('pgq.tick'),
           a.pid::text, 'snapshot', a.pid, pg_catalog.now() - a.xact_start, a.application_name
      from pgq.queue q
      join lateral (
            select s.pid, s.xact_start, case when _all or s.usename = session_user then s.application_name end as application_name
              from pg_catalog.pg_stat_activity s
             where (s.backend_xmin is not null or s.backend_xid is not null)
               and s.datname = pg_catalog.current_database()
               and s.pid <> pg_catalog.pg_backend_pid()
               and s.xact_start < q.queue_switch_time
             order by s.xact_start
             limit 1) a on true
     where i_queue_name is null or q.queue_name = i_queue_name
     order by 1, 2, 6, 5;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.get_rotation_info(text) is 'Event tables of a queue, and who keeps the old ones from being truncated';
