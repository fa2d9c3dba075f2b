-- ----------------------------------------------------------------------
-- What an upgrade changes, in the order of ARCHITECTURE.md's invariant 7.
-- Before 4.0, pgq.subscription is a table, which goes; its foreign keys are on
-- queue and consumer. Readers of somebody's view of it lock the view first.
-- ----------------------------------------------------------------------

do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(pg_catalog.format('%s in %s mode', l.relation, l.mode) order by l.nr)
          from (select 1 as nr, v.relation::text as relation, 'access exclusive' as mode
                  from (select distinct w.ev_class::regclass as relation
                          from pg_catalog.pg_depend d
                          join pg_catalog.pg_rewrite w on w.oid = d.objid
                          join pg_catalog.pg_class c on c.oid = w.ev_class
                         where d.classid = 'pg_catalog.pg_rewrite'::regclass
                           and d.refobjid = pg_catalog.to_regclass('pgq.subscription')
                           and c.relkind = 'v'
                           and c.oid <> d.refobjid) v
                union all
                select t.nr, t.relation, case when c.relkind = 'r' then t.mode_3 else t.mode_4 end
                  from (values (2, 'pgq.subscription', 'access exclusive', 'access exclusive'),
                               (3, 'pgq.queue', 'access exclusive', 'share update exclusive'),
                               (4, 'pgq.consumer', 'access exclusive', 'share update exclusive'),
                               (5, 'pgq.event_table', null, 'share update exclusive'),
                               (6, 'pgq.event_template', 'share update exclusive', 'share update exclusive'),
                               (7, 'pgq.retry_queue', 'share row exclusive', 'share row exclusive'),
                               (8, 'pgq.tick', 'share row exclusive', 'share update exclusive')) t (nr, relation, mode_3, mode_4)
                  join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass('pgq.subscription')
                 where pg_catalog.to_regclass(t.relation) is not null) l), '{}')::text, true);
end;
$$;
