-- what a dump of an extension's database takes along: all positions, and the
-- sequence that numbers them
select pg_catalog.pg_extension_config_dump('pgq_ext.tracker', '');
select pg_catalog.pg_extension_config_dump('pgq_ext.tracker_tr_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq_ext.tracker_log', '');
select pg_catalog.pg_extension_config_dump('pgq_ext.completed_event', '');
