-- Schema pgq_coop back to 3.4 (and 3.3.1): files in load order.
\ir upgrade/names.sql
\ir ../upgrade/begin.sql
\ir functions/pgq_coop.next_batch.sql
\ir downgrade/functions.sql
\ir ../upgrade/end.sql
