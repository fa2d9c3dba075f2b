-- ----------------------------------------------------------------------
-- What the way back to 3.5 changes. Event tables too: once nobody writes to
-- them, what they hold is complete.
-- ----------------------------------------------------------------------

do $$
begin
    if pg_catalog.to_regprocedure('pgq_coop._registration(text, text)') is not null then
        raise exception 'pgq_coop 4.0 needs pgq 4.0'
            using errcode = 'object_not_in_prerequisite_state', hint = 'First run: alter extension pgq_coop update to ''3.4''.';
    end if;
    perform pg_catalog.set_config('skytools.locks', (
        select pg_catalog.array_agg(pg_catalog.format('%s in %s mode', l.relation, l.mode) order by l.nr, l.relation)
          from (select distinct 1 as nr, w.ev_class::regclass::text as relation, 'access exclusive' as mode
                  from pg_catalog.pg_depend d
                  join pg_catalog.pg_rewrite w on w.oid = d.objid
                  join pg_catalog.pg_class c on c.oid = w.ev_class
                 where d.classid = 'pg_catalog.pg_rewrite'::regclass
                   and d.refobjid = 'pgq.subscription'::regclass
                   and c.relkind = 'v'
                   and c.oid <> d.refobjid
                union all
                select t.nr, t.relation, t.mode
                  from (values (2, 'pgq.subscription', 'access exclusive'),
                               (3, 'pgq.position_state', 'access exclusive'),
                               (4, 'pgq.queue', 'access exclusive'),
                               (5, 'pgq.consumer', 'access exclusive'),
                               (6, 'pgq.event_table', 'access exclusive'),
                               (7, 'pgq.event_template', 'share update exclusive'),
                               (9, 'pgq.retry_queue', 'share row exclusive'),
                               (10, 'pgq.tick', 'share row exclusive')) t (nr, relation, mode)
                union all
                select 8, pgq.quote_fqname(q.queue_data_pfx), 'access exclusive' from pgq.queue q) l)::text, true);
end;
$$;
