-- The extension cannot be dropped with queues in it.
\set VERBOSITY terse
select pgq.create_queue('q');
select pgq.insert_event('q', 't', 'd');
drop extension pgq;
select pgq.drop_queue('q');
drop extension pgq;
select count(*) from pg_namespace where nspname = 'pgq';
-- roles belong to the cluster and stay; the next one finds them
select rolname from pg_roles where rolname like 'pgq\_%' order by 1;
create extension pgq;
select pgq.create_queue('q');
drop extension pgq cascade;
select count(*) as left from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'pgq';
