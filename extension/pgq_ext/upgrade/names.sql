-- Names of what belongs to pgq_ext, in all versions and flavours, for ../../upgrade/.
do $$
begin
    perform pg_catalog.set_config('skytools.name', 'pgq_ext', true);
    perform pg_catalog.set_config('skytools.relations',
        'tracker tracker_tr_id_seq tracker_log completed_event completed_tick completed_batch partial_batch', true);
    perform pg_catalog.set_config('skytools.types', '', true);
    perform pg_catalog.set_config('skytools.functions',
        '_tracker_lock _tracker_put _tracker_write get_last_tick is_batch_done is_event_done set_batch_done '
        'set_event_done set_last_tick upgrade_schema version', true);
end;
$$;
