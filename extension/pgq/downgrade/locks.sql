-- ----------------------------------------------------------------------
-- What the way back to 3.5 changes. Whoever has written an event, or reads a
-- batch, holds a lock on pgq.queue until he has ended; so with that one no event
-- is under way.
-- ----------------------------------------------------------------------

do $$
begin
    if pg_catalog.to_regprocedure('pgq_coop._registration(text, text)') is not null then
        raise exception 'pgq_coop 4.0 needs pgq 4.0'
            using errcode = 'object_not_in_prerequisite_state', hint = 'First run: alter extension pgq_coop update to ''3.4''.';
    end if;
    perform pg_catalog.set_config('skytools.locks', (
        select pg_catalog.array_agg(l.statement order by l.nr)
          from (select distinct case c.oid when 'pgq.subscription'::regclass then 3 else 20 end as nr,
                       pg_catalog.format('alter view %s owner to %I', c.oid::regclass, pg_catalog.pg_get_userbyid(c.relowner)) as statement
                  from pg_catalog.pg_depend d
                  join pg_catalog.pg_rewrite w on w.oid = d.objid
                  join pg_catalog.pg_class c on c.oid = w.ev_class
                 where d.classid = 'pg_catalog.pg_rewrite'::regclass
                   and d.refobjid = 'pgq.subscription'::regclass
                   and c.relkind = 'v'
                union all
                select t.nr, pg_catalog.format('lock table %s in %s mode', t.relation, t.mode)
                  from (values (1, 'pgq.queue', 'access exclusive'),
                               (2, 'pgq.consumer', 'access exclusive'),
                               (4, 'pgq.registration', 'access exclusive'),
                               (5, 'pgq.position_0', 'access exclusive'),
                               (6, 'pgq.position_1', 'access exclusive'),
                               (7, 'pgq.position_state', 'access exclusive'),
                               (9, 'pgq.event_table', 'access exclusive'),
                               (10, 'pgq.event_template', 'share update exclusive'),
                               (11, 'pgq.retry_queue', 'share row exclusive'),
                               (12, 'pgq.tick', 'share row exclusive')) t (nr, relation, mode)) l)::text, true);
end;
$$;
