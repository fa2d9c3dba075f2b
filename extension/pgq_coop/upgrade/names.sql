-- Names of what belongs to pgq_coop, in all versions and flavours, for ../../upgrade/.
do $$
begin
    perform pg_catalog.set_config('skytools.name', 'pgq_coop', true);
    perform pg_catalog.set_config('skytools.relations',
        '', true);
    perform pg_catalog.set_config('skytools.types', '', true);
    perform pg_catalog.set_config('skytools.functions',
        '_dead_subconsumers _registration finish_batch finish_own_batch next_batch next_batch_custom '
        'register_subconsumer unregister_subconsumer version', true);
end;
$$;
