-- Schema pgq_node back to 3.5 (and 3.4): tables and functions are the same, but
-- for the version.
\ir upgrade/names.sql
\ir downgrade/version.sql
