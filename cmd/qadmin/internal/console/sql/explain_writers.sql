-- Open transactions that may have written to a queue: they hold a lock on an
-- event table until they end. $1: parent of the tables.
select coalesce(l.pid::text, x.gid), l.pid, pg_catalog.now() - coalesce(a.xact_start, x.prepared), a.application_name,
       case when x.gid is not null then 'prepared; it has written to '
            else coalesce(a.state, 'running') || '; it has written to ' end || l.tables || ' and may hold the event'
  from (select l.pid, l.virtualtransaction, pg_catalog.string_agg(distinct l.relation::regclass::text, ', ') as tables
          from pg_catalog.pg_locks l
          join pg_catalog.pg_inherits h on h.inhrelid = l.relation and h.inhparent = $1::regclass
         where l.locktype = 'relation'
           and l.granted
           and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
           and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
           and l.pid is distinct from pg_catalog.pg_backend_pid()
         group by l.pid, l.virtualtransaction) l
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  left join lateral (
        select p.gid, p.prepared
          from pg_catalog.pg_locks i
          join pg_catalog.pg_prepared_xacts p on p.transaction = i.transactionid
         where l.pid is null
           and i.pid is null
           and i.locktype = 'transactionid'
           and i.virtualtransaction = l.virtualtransaction) x on true
 order by coalesce(a.xact_start, x.prepared), l.pid
