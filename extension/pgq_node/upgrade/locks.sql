-- local_state, a table before 4.0 and a view now with what is below it, and the
-- tables that its foreign keys are on.
do $$
begin
    perform pg_catalog.set_config('skytools.locks', coalesce((
        select pg_catalog.array_agg(case c.relkind
                   when 'v' then pg_catalog.format('alter view %s owner to %I', t.relation, pg_catalog.pg_get_userbyid(c.relowner))
                   else pg_catalog.format('lock table %s in access exclusive mode', t.relation) end order by t.nr)
          from (values (1, 'pgq_node.node_info'), (2, 'pgq_node.node_location'), (3, 'pgq_node.local_state'),
                       (4, 'pgq_node.local_consumer'), (5, 'pgq_node.local_position'), (6, 'pgq_node.subscriber_info')) t (nr, relation)
          join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(t.relation)), '{}')::text, true);
end;
$$;
