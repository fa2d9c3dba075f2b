-- Life of the nodes of a set, in one database: what would be other servers are
-- queues of other names here.
\set VERBOSITY terse
create view events as
    select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.event_template order by ev_id;

-- ---- no node yet
select * from pgq_node.get_node_info('q');
select * from pgq_node.get_worker_state('q');
select * from pgq_node.get_consumer_state('q', 'w');
select * from pgq_node.get_queue_locations('q');
select * from pgq_node.get_subscriber_info('q');
select * from pgq_node.get_consumer_info('q');
select * from pgq_node.register_subscriber('q', 'b', 'b_worker', null);
select * from pgq_node.unregister_subscriber('q', 'b');
select * from pgq_node.set_subscriber_watermark('q', 'b', 1);
select * from pgq_node.register_consumer('q', 'c', 'a', 1);
select * from pgq_node.unregister_consumer('q', 'c');
select * from pgq_node.change_consumer_provider('q', 'c', 'a');
select * from pgq_node.set_consumer_paused('q', 'c', true);
select * from pgq_node.set_consumer_uptodate('q', 'c', true);
select * from pgq_node.set_consumer_completed('q', 'c', 1);
select * from pgq_node.set_consumer_error('q', 'c', 'broken');
select * from pgq_node.set_node_attrs('q', 'a=1');
select * from pgq_node.set_global_watermark('q', 1);
select * from pgq_node.set_partition_watermark('q', 'p', 1);
select * from pgq_node.demote_root('q', 1, 'b');
select * from pgq_node.promote_branch('q');
select * from pgq_node.unregister_location('q', 'x');
select * from pgq_node.drop_node('q', 'x');
select pgq_node.maint_watermark('q');
select pgq_node.is_root_node('q');
select pgq_node.is_leaf_node('q');

-- ---- create_node
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', null, null, null);
select * from pgq_node.register_location('q', 'a', 'dbname=a', false);
select * from pgq_node.register_location('q', 'nowhere', null, false);
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', 'x', null, null);
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', null, 1, null);
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', null, null, 'x');
select * from pgq_node.create_node('q', 'branch', 'a', 'a_worker', null, 1, null);
select * from pgq_node.create_node('q', 'branch', 'a', 'a_worker', 'x', null, null);
select * from pgq_node.create_node('q', 'leaf', 'a', 'a_worker', 'x', 1, 'nosuch');
select * from pgq_node.create_node('q', 'stem', 'a', 'a_worker', 'x', 1, null);
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', null, null, null);
select * from pgq_node.create_node('q', 'root', 'a', 'a_worker', null, null, null);
select * from pgq_node.create_node('q', 'branch', 'b', 'b_worker', 'a', 1, null);
update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
select * from pgq_node.get_node_info('q');
select * from pgq_node.get_worker_state('q');
select pgq_node.is_root_node('q'), pgq_node.is_leaf_node('q');
select queue_name, queue_external_ticker, queue_disable_insert from pgq.queue order by 1;
select consumer_name, last_tick from pgq.get_consumer_info('q') order by 1;

-- ---- locations: the root tells
select * from pgq_node.register_location('q', 'b', 'dbname=b', false);
select * from pgq_node.register_location('q', 'b', null, true);
select * from pgq_node.register_location('q', 'nowhere', null, false);
select * from pgq_node.get_queue_locations('q') order by 1;
select * from pgq_node.unregister_location('q', 'a');
select * from pgq_node.unregister_location('q', 'nowhere');
select * from pgq_node.register_location('q', 'b', 'dbname=b', false);
select * from events;

-- ---- subscribers
select * from pgq_node.register_subscriber('q', 'b', 'b_worker', 99);
select * from pgq_node.register_subscriber('q', 'x', 'x_worker', null);
select * from pgq_node.register_subscriber('q', 'b', 'b_worker', null);
select * from pgq_node.register_subscriber('q', 'b', 'b_worker', null);
select * from pgq_node.get_subscriber_info('q');
select consumer_name, last_tick from pgq.get_consumer_info('q') order by 1;
select pgq.ticker('q');
select pgq.ticker('q');
select * from pgq_node.set_subscriber_watermark('q', 'b', 1);
select * from pgq_node.set_subscriber_watermark('q', 'b', 99);
select * from pgq_node.set_subscriber_watermark('q', 'b', 2);
select * from pgq_node.set_subscriber_watermark('q', 'b', 1);
select * from pgq_node.set_subscriber_watermark('q', 'x', 1);
select * from pgq_node.get_subscriber_info('q');
select local_watermark, global_watermark, worker_last_tick from pgq_node.get_node_info('q');

-- ---- watermark of the root
select * from pgq_node.set_global_watermark('q', 99);
select * from pgq_node.set_global_watermark('q', null);
select pgq.register_consumer_at('q', 'b_worker', 3);
select * from pgq_node.set_global_watermark('q', null);
select local_watermark, global_watermark, worker_last_tick from pgq_node.get_node_info('q');
select completed_tick, local_queue_top from pgq_node.get_worker_state('q');
select pgq_node.maint_watermark('q');
update pgq.tick set tick_time = tick_time - interval '1 hour';
select pgq_node.maint_watermark('q');
select * from events;

-- ---- state of consumers
select * from pgq_node.register_consumer('q', 'c', 'nosuch', 1);
select * from pgq_node.register_consumer('q', 'c', 'a', null);
select * from pgq_node.register_consumer('q', 'c', 'a', 1);
select * from pgq_node.register_consumer('q', 'c', 'b', 2);
select * from pgq_node.get_consumer_state('q', 'c');
select * from pgq_node.get_consumer_state('q', 'nosuch');
select * from pgq_node.set_consumer_uptodate('q', 'c', true);
select * from pgq_node.set_consumer_paused('q', 'c', true);
select * from pgq_node.set_consumer_paused('q', 'c', true);
select * from pgq_node.get_consumer_info('q');
select * from pgq_node.set_consumer_uptodate('q', 'c', true);
select * from pgq_node.set_consumer_paused('q', 'c', false);
select * from pgq_node.set_consumer_paused('q', 'c', false);
select * from pgq_node.set_consumer_error('q', 'c', 'broken');
select * from pgq_node.get_consumer_info('q');
select * from pgq_node.set_consumer_completed('q', 'c', 7);
select * from pgq_node.set_consumer_completed('q', 'c', 6);
select * from pgq_node.set_consumer_completed('q', 'nosuch', 6);
select * from pgq_node.set_consumer_error('q', 'c', null);
select * from pgq_node.set_consumer_error('q', 'nosuch', 'broken');
select * from pgq_node.set_consumer_uptodate('q', 'c', false);
select * from pgq_node.set_consumer_uptodate('q', 'nosuch', false);
select * from pgq_node.change_consumer_provider('q', 'c', 'nosuch');
select * from pgq_node.change_consumer_provider('q', 'nosuch', 'a');
select * from pgq_node.change_consumer_provider('q', 'c', 'a');
select * from pgq_node.get_consumer_state('q', 'c');
select * from pgq_node.unregister_consumer('q', 'c');
select * from pgq_node.unregister_consumer('q', 'c');
select * from pgq_node.set_node_attrs('q', 'sync_watermark=b');
select node_attrs from pgq_node.get_node_info('q');

-- ---- the root becomes a branch
select * from pgq_node.promote_branch('q');
select * from pgq_node.demote_root('q', 2, 'b');
select * from pgq_node.demote_root('q', 4, 'b');
select * from pgq_node.demote_root('q', 1, 'b');
select pgq.insert_event('q', 't', 'd');
select * from pgq_node.demote_root('q', 4, 'b');
begin;
select * from pgq_node.demote_root('q', 2, 'b');
show session_replication_role;
commit;
show session_replication_role;
select * from pgq_node.demote_root('q', 2, 'b');
select tick_id, tick_event_seq > 0 as seq from pgq.tick order by tick_id;
select * from pgq_node.demote_root('q', 3, 'b');
select * from pgq_node.demote_root('q', 3, 'b');
select node_type, provider_node, worker_uptodate, worker_last_tick from pgq_node.get_node_info('q');
select * from pgq_node.unregister_location('q', 'b');
select * from pgq_node.drop_node('q', 'b');

-- ---- as a branch
select * from pgq_node.set_global_watermark('q', null);
select * from pgq_node.set_global_watermark('q', 99);
select * from pgq_node.set_global_watermark('q', 4);
select pgq.ticker('q', 10, '2026-01-01 00:00+00', 500);
select node_type, global_watermark, local_watermark, worker_last_tick from pgq_node.get_node_info('q');
select * from pgq_node.register_location('q', 'c', 'dbname=c', false);

-- ---- and the root again
select * from pgq_node.promote_branch('q');
select * from pgq_node.promote_branch('q');
select node_type, provider_node, worker_uptodate, worker_last_tick from pgq_node.get_node_info('q');
select pgq.insert_event('q', 't', 'd') > 500 as above;
select pgq.ticker('q');
select queue_external_ticker, queue_disable_insert from pgq.queue where queue_name = 'q';

-- ---- a branch that begins late, a leaf, a leaf that writes to another queue
select * from pgq_node.register_location('p', 'a', 'dbname=a', false);
select * from pgq_node.register_location('p', 'b', 'dbname=b', false);
select * from pgq_node.create_node('p', 'branch', 'b', 'b_p_worker', 'a', 25, null);
select tick_id, tick_event_seq from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue where q.queue_name = 'p' order by 1;
select * from pgq_node.get_worker_state('p');
select consumer_name, last_tick from pgq.get_consumer_info('p') order by 1;
select pgq.insert_event('p', 't', 'd');
select * from pgq_node.register_location('part', 'a', 'dbname=a', false);
select * from pgq_node.register_location('part', 'l', 'dbname=l', false);
select * from pgq_node.create_node('part', 'leaf', 'l', 'l_worker', 'a', 25, 'p');
select * from pgq_node.get_node_info('part');
select * from pgq_node.get_worker_state('part');
select target_for from pgq_node.get_node_info('p');
select * from pgq_node.register_subscriber('part', 'b', 'b_worker', null);
select * from pgq_node.set_global_watermark('part', 3);
select pgq_node.is_root_node('part'), pgq_node.is_leaf_node('part');
select * from pgq_node.demote_root('part', 1, 'a');
select * from pgq_node.promote_branch('part');
select * from pgq_node.set_partition_watermark('p', 'part', 40);
select * from pgq_node.set_partition_watermark('p', 'part', 30);
select * from pgq_node.set_partition_watermark('p', 'nosuch', 30);
select * from pgq_node.set_partition_watermark('q', 'part', 30);
select completed_tick from pgq_node.get_worker_state('part');
select * from pgq_node.register_location('lone', 'a', 'dbname=a', false);
select * from pgq_node.register_location('lone', 'l', 'dbname=l', false);
select * from pgq_node.create_node('lone', 'leaf', 'l', 'l_lone', null, 25, null);
select pgq.create_queue('plain');
select * from pgq_node.create_node('lone', 'leaf', 'l', 'l_lone', 'a', 25, 'plain');
select * from pgq_node.get_worker_state('lone');

-- ---- the end of nodes
select * from pgq_node.drop_node('q', 'c');
select * from pgq_node.drop_node('q', 'b');
select * from pgq_node.get_subscriber_info('q');
select * from pgq_node.drop_node('p', 'a');
select * from pgq_node.drop_node('part', 'l');
select * from pgq_node.drop_node('p', 'b');
select * from pgq_node.drop_node('lone', 'l');
select * from pgq_node.drop_node('q', 'a');
select * from pgq_node.node_info;
select * from pgq_node.node_location;
select * from pgq_node.local_state;
select * from pgq_node.subscriber_info;
select queue_name from pgq.queue order by 1;
drop view events;
