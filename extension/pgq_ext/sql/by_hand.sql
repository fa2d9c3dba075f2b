-- The views take what the tables took: insert, update, delete, COPY.
\set SHOW_CONTEXT never
insert into pgq_ext.completed_tick (consumer_id, last_tick_id) values ('hand', 1) returning *;
insert into pgq_ext.completed_batch values ('hand', '', 2), ('hand', 'sub', 3);
select pgq_ext.get_last_tick('hand'), pgq_ext.is_batch_done('hand', 2), pgq_ext.is_batch_done('hand', 'sub', 3);
insert into pgq_ext.completed_tick values ('hand', '', 9);
\set VERBOSITY sqlstate
insert into pgq_ext.completed_tick values ('hand', '', null);
insert into pgq_ext.completed_tick values (null, '', 1);
\set VERBOSITY default

update pgq_ext.completed_tick set last_tick_id = last_tick_id + 10 where consumer_id = 'hand' returning *;
update pgq_ext.completed_tick set last_tick_id = null where consumer_id = 'hand';
update pgq_ext.completed_batch set last_batch_id = 4 where consumer_id = 'hand';
select * from pgq_ext.completed_batch where consumer_id = 'hand' order by 1, 2;

-- renamed, onto a free name and onto a taken one
update pgq_ext.completed_batch set consumer_id = 'foot' where consumer_id = 'hand' and subconsumer_id = 'sub';
update pgq_ext.completed_batch set consumer_id = 'foot', subconsumer_id = 'sub' where consumer_id = 'hand';
select * from pgq_ext.completed_batch where consumer_id in ('hand', 'foot') order by 1, 2;

delete from pgq_ext.completed_batch where consumer_id in ('hand', 'foot') returning *;
select pgq_ext.is_batch_done('hand', 4), pgq_ext.set_batch_done('hand', 4), pgq_ext.set_batch_done('hand', 4);
delete from pgq_ext.completed_tick where consumer_id = 'hand';
select pgq_ext.get_last_tick('hand');
insert into pgq_ext.completed_tick values ('hand', '', 5);
select pgq_ext.get_last_tick('hand');

-- a dump of 3.1 restores into the views
copy pgq_ext.partial_batch (consumer_id, subconsumer_id, cur_batch_id) from stdin;
hand		77
hand	sub	78
\.
select * from pgq_ext.partial_batch where consumer_id = 'hand' order by 1, 2;
select pgq_ext.set_event_done('hand', 77, 1);
select * from pgq_ext.completed_event where consumer_id = 'hand';
