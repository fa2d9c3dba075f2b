-- Names of what belongs to pgq, in all versions and flavours, for ../../upgrade/.
do $$
begin
    perform pg_catalog.set_config('skytools.name', 'pgq', true);
    perform pg_catalog.set_config('skytools.relations',
        'consumer consumer_co_id_seq queue queue_queue_id_seq tick subscription subscription_sub_id_seq registration '
        'registration_reg_id_seq position_0 position_1 position_state event_table event_template retry_queue '
        'batch_id_seq', true);
    perform pg_catalog.set_config('skytools.types', '_columns', true);
    perform pg_catalog.set_config('skytools.functions',
        '_assert_current _assert_logs _assert_read_committed _batch _batch_tables _count_event _create_event_table '
        '_drop_spare_tables _expression_sql _free_event_table _grant_perms_from _hold_queue _hold_tick _insert_tick '
        '_lock_batch _lock_event_table _lock_for_tick _next_batch _position _position_put _put_event _rebase_id '
        '_row_changes _row_json _row_sql _row_urlencode _row_values _subscription_write _ticker _trigger_columns '
        '_trigger_event _trigger_expressions _trigger_list _trigger_put _trigger_relid _trigger_table _urlencode '
        'batch_event_sql batch_event_tables batch_retry create_queue current_event_table drop_queue event_retry '
        'event_retry_raw find_tick_helper finish_batch force_tick get_batch_cursor get_batch_events get_batch_info '
        'get_consumer_info get_queue_info get_rotation_info grant_perms insert_event insert_event_raw insert_events '
        'jsontriga logutriga maint_compact_tables maint_operations maint_position_logs maint_retry_events '
        'maint_rotate_tables_step1 maint_rotate_tables_step2 maint_tables_to_vacuum next_batch next_batch_custom '
        'next_batch_info next_batch_upto quote_fqname rebase register_consumer register_consumer_at seq_getval '
        'seq_setval set_queue_config sqltriga tick_if ticker ticker_state tune_storage unregister_consumer '
        'upgrade_schema version', true);
end;
$$;
