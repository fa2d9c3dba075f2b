-- ----------------------------------------------------------------------
-- What pg_dump takes along of an extension's own tables. Only an extension
-- script may say so. The sequences come along too, or the first create_queue
-- after a restore would meet ids that exist.
-- ----------------------------------------------------------------------

select pg_catalog.pg_extension_config_dump('pgq.queue', '');
select pg_catalog.pg_extension_config_dump('pgq.consumer', '');
select pg_catalog.pg_extension_config_dump('pgq.tick', '');
select pg_catalog.pg_extension_config_dump('pgq.registration', '');
select pg_catalog.pg_extension_config_dump('pgq.position_0', '');
select pg_catalog.pg_extension_config_dump('pgq.position_1', '');
select pg_catalog.pg_extension_config_dump('pgq.position_state', '');
select pg_catalog.pg_extension_config_dump('pgq.event_template', '');
select pg_catalog.pg_extension_config_dump('pgq.event_table', '');
select pg_catalog.pg_extension_config_dump('pgq.retry_queue', '');
select pg_catalog.pg_extension_config_dump('pgq.batch_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq.queue_queue_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq.consumer_co_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq.registration_reg_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq.subscription_sub_id_seq', '');
