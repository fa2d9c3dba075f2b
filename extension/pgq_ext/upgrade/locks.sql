-- The tables of 3.1 that become views, and completed_event, which gets a
-- default; in the order of pgq_ext.upgrade_schema().
do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(pg_catalog.format('%s in access exclusive mode', t.relation) order by t.nr)
          from (values (1, 'pgq_ext.completed_tick'), (2, 'pgq_ext.completed_batch'),
                       (3, 'pgq_ext.partial_batch'), (4, 'pgq_ext.completed_event')) t (nr, relation)
         where pg_catalog.to_regclass(t.relation) is not null), '{}')::text, true);
end;
$$;
