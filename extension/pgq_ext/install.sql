-- Schema pgq_ext: files in load order.
\ir structure/schema.sql
\ir structure/roles.sql
\ir structure/tables.sql
\ir functions/pgq_ext.upgrade_schema.sql
\ir structure/upgrade.sql
\ir functions/pgq_ext._tracker_lock.sql
\ir functions/pgq_ext._tracker_put.sql
\ir functions/pgq_ext._tracker_write.sql
\ir structure/views.sql
\ir functions/pgq_ext.is_batch_done.sql
\ir functions/pgq_ext.set_batch_done.sql
\ir functions/pgq_ext.is_event_done.sql
\ir functions/pgq_ext.set_event_done.sql
\ir functions/pgq_ext.get_last_tick.sql
\ir functions/pgq_ext.set_last_tick.sql
\ir functions/pgq_ext.version.sql
\ir structure/grants.sql
