-- Schema pgq_coop: files in load order.
\ir structure/schema.sql
\ir functions/pgq_coop.version.sql
\ir functions/pgq_coop._registration.sql
\ir functions/pgq_coop._dead_subconsumers.sql
\ir functions/pgq_coop.register_subconsumer.sql
\ir functions/pgq_coop.unregister_subconsumer.sql
\ir functions/pgq_coop.next_batch_custom.sql
\ir functions/pgq_coop.next_batch.sql
\ir functions/pgq_coop.finish_batch.sql
\ir functions/pgq_coop.finish_own_batch.sql
\ir structure/grants.sql
