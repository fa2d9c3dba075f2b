-- the tables, in the order of foreign keys
do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(pg_catalog.format('lock table %s in share row exclusive mode', t.relation) order by t.nr)
          from (values (1, 'pgq_node.node_info'), (2, 'pgq_node.local_state'), (3, 'pgq_node.subscriber_info'),
                       (4, 'pgq_node.node_location')) t (nr, relation)
         where pg_catalog.to_regclass(t.relation) is not null), '{}')::text, true);
end;
$$;
