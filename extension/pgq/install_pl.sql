-- Schema pgq, PL-only flavour: files in load order.
\ir structure/tables.sql
\ir structure/position.sql

\ir functions/pgq.version.sql
\ir functions/pgq.quote_fqname.sql
\ir functions/pgq.seq_getval.sql
\ir functions/pgq.seq_setval.sql
\ir functions/pgq.upgrade_schema.sql
\ir functions/pgq._hold_queue.sql
\ir functions/pgq._assert_read_committed.sql

\ir functions/pgq._assert_logs.sql
\ir functions/pgq._position.sql
\ir functions/pgq._position_put.sql
\ir functions/pgq._batch.sql
\ir functions/pgq._lock_batch.sql
\ir functions/pgq._batch_tables.sql
\ir functions/pgq._subscription_write.sql
\ir functions/pgq._hold_tick.sql

\ir functions/pgq._grant_perms_from.sql
\ir functions/pgq.grant_perms.sql
\ir functions/pgq.tune_storage.sql
\ir functions/pgq._create_event_table.sql
\ir functions/pgq.create_queue.sql
\ir functions/pgq.drop_queue.sql
\ir functions/pgq.set_queue_config.sql

\ir lowlevel_pl/pgq._assert_current.sql
\ir lowlevel_pl/pgq._lock_event_table.sql
\ir lowlevel_pl/pgq._count_event.sql
\ir lowlevel_pl/pgq._put_event.sql
\ir lowlevel_pl/pgq.insert_event_raw.sql
\ir lowlevel_pl/pgq.insert_event.sql
\ir lowlevel_pl/pgq.insert_events.sql
\ir lowlevel_pl/pgq.current_event_table.sql

\ir lowlevel_pl/pgq._columns.sql
\ir lowlevel_pl/pgq._urlencode.sql
\ir lowlevel_pl/pgq._trigger_list.sql
\ir lowlevel_pl/pgq._trigger_table.sql
\ir lowlevel_pl/pgq._trigger_relid.sql
\ir lowlevel_pl/pgq._trigger_columns.sql
\ir lowlevel_pl/pgq._row_values.sql
\ir lowlevel_pl/pgq._row_changes.sql
\ir lowlevel_pl/pgq._row_urlencode.sql
\ir lowlevel_pl/pgq._row_json.sql
\ir lowlevel_pl/pgq._row_sql.sql
\ir lowlevel_pl/pgq._trigger_event.sql
\ir lowlevel_pl/pgq._trigger_put.sql
\ir lowlevel_pl/pgq._expression_sql.sql
\ir lowlevel_pl/pgq._trigger_expressions.sql
\ir lowlevel_pl/pgq.jsontriga.sql
\ir lowlevel_pl/pgq.logutriga.sql
\ir lowlevel_pl/pgq.sqltriga.sql

\ir functions/pgq.register_consumer_at.sql
\ir functions/pgq.register_consumer.sql
\ir functions/pgq.unregister_consumer.sql
\ir functions/pgq.find_tick_helper.sql
\ir functions/pgq._next_batch.sql
\ir functions/pgq.next_batch_custom.sql
\ir functions/pgq.next_batch_upto.sql
\ir functions/pgq.next_batch_info.sql
\ir functions/pgq.next_batch.sql
\ir functions/pgq.batch_event_tables.sql
\ir functions/pgq.batch_event_sql.sql
\ir functions/pgq.get_batch_events.sql
\ir functions/pgq.get_batch_cursor.sql
\ir functions/pgq.get_batch_info.sql
\ir functions/pgq.event_retry.sql
\ir functions/pgq.batch_retry.sql
\ir functions/pgq.event_retry_raw.sql
\ir functions/pgq.finish_batch.sql

\ir functions/pgq._lock_for_tick.sql
\ir functions/pgq._insert_tick.sql
\ir functions/pgq._ticker.sql
\ir functions/pgq.ticker.sql
\ir functions/pgq.ticker_state.sql
\ir functions/pgq.tick_if.sql
\ir functions/pgq.force_tick.sql

\ir functions/pgq._free_event_table.sql
\ir functions/pgq._drop_spare_tables.sql
\ir functions/pgq.maint_rotate_tables_step1.sql
\ir functions/pgq.maint_rotate_tables_step2.sql
\ir functions/pgq.maint_retry_events.sql
\ir functions/pgq.maint_position_logs.sql
\ir functions/pgq.maint_compact_tables.sql
\ir functions/pgq.maint_tables_to_vacuum.sql
\ir functions/pgq.maint_operations.sql

\ir functions/pgq._rebase_id.sql
\ir functions/pgq.rebase.sql

\ir functions/pgq.get_queue_info.sql
\ir functions/pgq.get_consumer_info.sql
\ir functions/pgq.get_rotation_info.sql

\ir structure/roles.sql
\ir structure/grants.sql
\ir lowlevel_pl/grants.sql
