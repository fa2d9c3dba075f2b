-- What a ticker has to know of a database before its first tick.
select pg_catalog.current_setting('server_version_num')::int4,
       pg_catalog.current_setting('server_version'),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_isolation') <> 'read committed',
       exists (select 1 from pg_catalog.pg_namespace where nspname = 'pgq'),
       2 = (select count(*)
              from pg_catalog.pg_proc p
              join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             where n.nspname = 'pgq'
               and p.proname in ('ticker_state', 'tick_if'))
