-- Schema pgq_node back to 3.5 (and 3.4): files in load order.
\ir upgrade/names.sql
\ir ../upgrade/begin.sql
\ir upgrade/locks.sql
\ir ../upgrade/lock.sql
\ir downgrade/tables.sql
\ir downgrade/functions.sql
\ir ../upgrade/end.sql
