-- ----------------------------------------------------------------------
-- What an upgrade changes. Before 4.0, pgq.subscription is a table, which goes;
-- its foreign keys are on queue and consumer. With one of the first three most
-- statements begin.
-- ----------------------------------------------------------------------

do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(l.statement order by l.nr)
          from (select 20 as nr, pg_catalog.format('alter view %s owner to %I', v.view, pg_catalog.pg_get_userbyid(v.relowner)) as statement
                  from (select distinct c.oid::regclass as view, c.relowner
                          from pg_catalog.pg_depend d
                          join pg_catalog.pg_rewrite w on w.oid = d.objid
                          join pg_catalog.pg_class c on c.oid = w.ev_class
                         where d.classid = 'pg_catalog.pg_rewrite'::regclass
                           and d.refobjid = pg_catalog.to_regclass('pgq.subscription')
                           and c.relkind = 'v'
                           and c.oid <> d.refobjid) v
                union all
                select 3, pg_catalog.format('alter view pgq.subscription owner to %I', pg_catalog.pg_get_userbyid(c.relowner))
                  from pg_catalog.pg_class c
                 where c.oid = pg_catalog.to_regclass('pgq.subscription') and c.relkind = 'v'
                union all
                select t.nr, pg_catalog.format('lock table %s in %s mode', t.relation, case c.relkind when 'r' then t.mode_3 else t.mode_4 end)
                  from (values (1, 'pgq.queue', 'access exclusive', 'share update exclusive'),
                               (2, 'pgq.consumer', 'access exclusive', 'share update exclusive'),
                               (3, 'pgq.subscription', 'access exclusive', null),
                               (4, 'pgq.registration', null, 'share row exclusive'),
                               (5, 'pgq.position_0', null, 'share row exclusive'),
                               (6, 'pgq.position_1', null, 'share row exclusive'),
                               (8, 'pgq.event_table', null, 'share update exclusive'),
                               (9, 'pgq.event_template', 'share update exclusive', 'share update exclusive'),
                               (10, 'pgq.retry_queue', 'share row exclusive', 'share row exclusive'),
                               (11, 'pgq.tick', 'share row exclusive', 'share update exclusive')) t (nr, relation, mode_3, mode_4)
                  join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass('pgq.subscription')
                 where case c.relkind when 'r' then t.mode_3 else t.mode_4 end is not null
                   and pg_catalog.to_regclass(t.relation) is not null) l), '{}')::text, true);
end;
$$;
