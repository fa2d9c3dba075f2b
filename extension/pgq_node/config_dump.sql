-- what a dump of an extension's database takes along: the set as this node
-- knows it, and the positions of the consumers that work for it
select pg_catalog.pg_extension_config_dump('pgq_node.node_location', '');
select pg_catalog.pg_extension_config_dump('pgq_node.node_info', '');
select pg_catalog.pg_extension_config_dump('pgq_node.subscriber_info', '');
select pg_catalog.pg_extension_config_dump('pgq_node.local_consumer', '');
select pg_catalog.pg_extension_config_dump('pgq_node.local_consumer_lc_id_seq', '');
select pg_catalog.pg_extension_config_dump('pgq_node.local_position', '');
