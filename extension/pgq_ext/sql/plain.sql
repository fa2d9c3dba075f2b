-- The same script without CREATE EXTENSION: on nothing, on itself, on the
-- tables of 3.1.
\set dir `echo "${PG_ABS_SRCDIR:-.}"`
set client_min_messages = warning;
drop extension pgq_ext;
\set ECHO none
\o /dev/null
\i :dir/install.sql
\o
\set ECHO all
select pgq_ext.set_batch_done('plain', 1), pgq_ext.set_last_tick('plain', 2), pgq_ext.set_event_done('plain', 3, 4);
\set ECHO none
\o /dev/null
\i :dir/install.sql
\o
\set ECHO all
select pgq_ext.is_batch_done('plain', 1), pgq_ext.get_last_tick('plain'), pgq_ext.is_event_done('plain', 3, 4);

drop schema pgq_ext cascade;
create schema pgq_ext;
create table pgq_ext.completed_tick (
    consumer_id text not null, subconsumer_id text not null, last_tick_id bigint not null,
    primary key (consumer_id, subconsumer_id));
create table pgq_ext.completed_batch (
    consumer_id text not null, subconsumer_id text not null, last_batch_id bigint not null,
    primary key (consumer_id, subconsumer_id));
create table pgq_ext.completed_event (
    consumer_id text not null, subconsumer_id text not null, batch_id bigint not null, event_id bigint not null,
    primary key (consumer_id, subconsumer_id, batch_id, event_id));
create table pgq_ext.partial_batch (
    consumer_id text not null, subconsumer_id text not null, cur_batch_id bigint not null,
    primary key (consumer_id, subconsumer_id));
insert into pgq_ext.completed_tick values ('old', '', 1), ('old', 'sub', 2), ('older', '', 3);
insert into pgq_ext.completed_batch values ('old', '', 4);
insert into pgq_ext.completed_event values ('old', '', 5, 6);
insert into pgq_ext.partial_batch values ('old', '', 5);
\set ECHO none
\o /dev/null
\i :dir/install.sql
\o
\set ECHO all
select * from pgq_ext.completed_tick order by 1, 2;
select pgq_ext.is_batch_done('old', 4), pgq_ext.is_event_done('old', 5, 6), pgq_ext.set_event_done('old', 5, 6);
insert into pgq_ext.completed_event (consumer_id, batch_id, event_id) values ('old', 5, 7);
select pgq_ext.set_event_done('old', 8, 9);
select * from pgq_ext.completed_event;
select pgq_ext.upgrade_schema();
drop schema pgq_ext cascade;
