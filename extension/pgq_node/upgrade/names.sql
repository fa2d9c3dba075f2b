-- Names of what belongs to pgq_node, in all versions and flavours, for ../../upgrade/.
do $$
begin
    perform pg_catalog.set_config('skytools.name', 'pgq_node', true);
    perform pg_catalog.set_config('skytools.relations', 
        'node_location node_info local_state local_consumer local_consumer_lc_id_seq local_position subscriber_info', true);
    perform pg_catalog.set_config('skytools.types', '', true);
    perform pg_catalog.set_config('skytools.functions',
        '_local_watermark _newest_tick _position _state_lock _state_new _state_put _state_set _state_write _tell change_consumer_provider create_node demote_root '
        'drop_node get_consumer_info get_consumer_state get_node_info get_queue_locations get_subscriber_info '
        'get_worker_state is_leaf_node is_root_node maint_watermark promote_branch register_consumer '
        'register_location register_subscriber set_consumer_completed set_consumer_error set_consumer_paused '
        'set_consumer_uptodate set_global_watermark set_node_attrs set_partition_watermark '
        'set_subscriber_watermark unregister_consumer unregister_location unregister_subscriber '
        'upgrade_schema version', true);
end;
$$;
