-- Schema pgq_ext back to 3.1: files in load order.
\ir upgrade/names.sql
\ir ../upgrade/begin.sql
\ir upgrade/locks.sql
\ir ../upgrade/lock.sql
\ir downgrade/tables.sql
\ir functions/pgq_ext.is_event_done.sql
\ir downgrade/functions.sql
\ir ../upgrade/end.sql
