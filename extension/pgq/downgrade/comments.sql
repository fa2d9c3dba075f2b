-- 3.5 has these functions, without comments. ../upgrade/end.sql drops the others.
do $$
declare
    _sql text;
begin
    for _sql in
        select pg_catalog.format('comment on function %s is null', p.oid::regprocedure)
          from pg_catalog.pg_proc p
         where p.pronamespace = 'pgq'::regnamespace
           and p.proname in (
                '_grant_perms_from', 'batch_event_sql', 'batch_event_tables', 'batch_retry', 'create_queue', 'current_event_table',
                'drop_queue', 'event_retry', 'event_retry_raw', 'find_tick_helper', 'finish_batch', 'force_tick', 'get_batch_cursor',
                'get_batch_events', 'get_batch_info', 'get_consumer_info', 'get_queue_info', 'grant_perms', 'insert_event',
                'insert_event_raw', 'jsontriga', 'logutriga', 'maint_operations', 'maint_retry_events', 'maint_rotate_tables_step1',
                'maint_rotate_tables_step2', 'maint_tables_to_vacuum', 'next_batch', 'next_batch_custom', 'next_batch_info',
                'quote_fqname', 'register_consumer', 'register_consumer_at', 'seq_getval', 'seq_setval', 'set_queue_config', 'sqltriga',
                'ticker', 'tune_storage', 'unregister_consumer', 'upgrade_schema', 'version')
    loop
        execute _sql;
    end loop;
end;
$$;
