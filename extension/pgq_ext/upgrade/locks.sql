-- The tables of 3.1 that become views, completed_event, which gets a default, in
-- the order of pgq_ext.upgrade_schema(); in 4.0 views, and what is below them.
do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(case c.relkind
                   when 'v' then pg_catalog.format('alter view %s owner to %I', t.relation, pg_catalog.pg_get_userbyid(c.relowner))
                   else pg_catalog.format('lock table %s in access exclusive mode', t.relation) end order by t.nr)
          from (values (1, 'pgq_ext.completed_tick'), (2, 'pgq_ext.completed_batch'), (3, 'pgq_ext.partial_batch'),
                       (4, 'pgq_ext.completed_event'), (5, 'pgq_ext.tracker'), (6, 'pgq_ext.tracker_log')) t (nr, relation)
          join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(t.relation)), '{}')::text, true);
end;
$$;
