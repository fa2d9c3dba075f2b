-- The same script without CREATE EXTENSION: on nothing, and on itself.
\set dir `echo "${PG_ABS_SRCDIR:-.}"`
set client_min_messages = warning;
drop extension pgq_coop;
\set ECHO none
\o /dev/null
\i :dir/install.sql
\i :dir/install.sql
\o
\set ECHO all
select pgq.create_queue('plain'), pgq_coop.register_subconsumer('plain', 'm', 'a');
drop schema pgq_coop cascade;

-- not beside an older pgq, which has no such function
\set SHOW_CONTEXT never
\set guard `sed '/^create schema/,$d' "${PG_ABS_SRCDIR:-.}/structure/schema.sql"`
begin;
alter function pgq._position(bigint) rename to _other;
:guard
rollback;
