-- The view local_state takes what the table took: insert, update, delete, COPY.
\set VERBOSITY terse
select pgq_node.register_location('hand', n, 'dbname=' || n, false) from unnest('{a,b}'::text[]) n;
select pgq_node.create_node('hand', 'leaf', 'a', 'w', 'b', 5, null);
insert into pgq_node.local_state (queue_name, consumer_name, provider_node, last_tick_id) values ('hand', 'c', 'b', 6) returning *;
insert into pgq_node.local_state values ('hand', 'd', 'b', 7, 'boo', true, true), ('hand', 'e', 'a', 8, null, false, true);
insert into pgq_node.local_state values ('hand', 'd', 'b', 7, null, false, false);
insert into pgq_node.local_state values ('hand', 'f', 'nosuch', 7, null, false, false);
insert into pgq_node.local_state values ('hand', 'f', 'b', null, null, false, false);
insert into pgq_node.local_state values ('hand', 'f', 'b', 7, null, null, false);

update pgq_node.local_state set last_tick_id = last_tick_id + 10, cur_error = null where consumer_name = 'd' returning *;
update pgq_node.local_state set paused = not paused, provider_node = 'a' where consumer_name = 'd' returning *;
update pgq_node.local_state set consumer_name = 'g' where consumer_name = 'd' returning *;
update pgq_node.local_state set consumer_name = 'g' where consumer_name = 'e';
update pgq_node.local_state set uptodate = null where consumer_name = 'g';
select * from pgq_node.local_state where queue_name = 'hand' order by 2;

delete from pgq_node.local_state where consumer_name = 'e';
delete from pgq_node.local_state where consumer_name = 'g' returning *;
select pgq_node.set_consumer_completed('hand', 'g', 9), pgq_node.register_consumer('hand', 'g', 'b', 1), pgq_node.set_consumer_completed('hand', 'g', 9);
-- nothing stays behind
select count(*) from pgq_node.local_position p where not exists (select from pgq_node.local_consumer c where c.lc_id = p.lc_id);

-- a dump of 3.5 restores into the view
copy pgq_node.local_state (queue_name, consumer_name, provider_node, last_tick_id, cur_error, paused, uptodate) from stdin;
hand	h	b	77	\N	f	t
hand	i	a	78	it failed	t	f
\.
select * from pgq_node.get_consumer_info('hand');

-- a position is a log of which little is kept
select count(pgq_node.set_consumer_completed('hand', 'w', n)) from generate_series(6, 1000) n;
select count(*) < 100 as few, max(p.last_tick_id) from pgq_node.local_position p join pgq_node.local_consumer c using (lc_id) where c.consumer_name = 'w';
-- the same again is not written
select max(lp_seq) from pgq_node.local_position;
select pgq_node.set_consumer_completed('hand', 'w', 1000), pgq_node.set_consumer_error('hand', 'w', null);
select max(lp_seq) from pgq_node.local_position;

set role pgq_reader;
update pgq_node.local_state set paused = true;
set role pgq_admin;
update pgq_node.local_state set paused = true where consumer_name = 'w' returning *;
reset role;
select pgq_node.drop_node('hand', 'a');
select count(*) from pgq_node.local_position p where not exists (select from pgq_node.local_consumer c where c.lc_id = p.lc_id);
