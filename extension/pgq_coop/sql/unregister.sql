\set SHOW_CONTEXT never
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 0) as no_main;
select pgq_coop.next_batch('q', 'm', 'a');
call tick('one');
call tick('two');
select pgq_coop.unregister_subconsumer('q', 'm', 'nosuch', 0);
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 0) as idle;
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 0) as twice;
select count(*) as name_stays from pgq.consumer where co_name = 'm.a';

-- with an open batch
select pgq_coop.next_batch('q', 'm', 'a') is not null as has_a_batch;
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 0);
select pgq_coop.unregister_subconsumer('q', 'm', 'a', null);
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 2);
select pgq_coop.unregister_subconsumer('q', 'm', 'a', 1) as dropped;
select e.ev_data from pgq_coop.next_batch('q', 'm', 'b') n, pgq.get_batch_events(n) e;

-- pgq.unregister_consumer: a subconsumer alone, the main one with all, also
-- while it has a batch of its own open
select pgq.unregister_consumer('q', 'm.b') as sub;
select co_name, shared from subs;
select pgq_coop.next_batch('q', 'm', 'c'), pgq_coop.next_batch('q', 'm', 'd');
call tick('three');
select pgq.next_batch('q', 'm') is not null as main_has_a_batch;
select pgq.unregister_consumer('q', 'm') as all_of_them;
select count(*) from pgq.subscription;

-- a queue can be dropped
select pgq_coop.register_subconsumer('q', 'm', 'a');
select pgq.drop_queue('q', true);
select count(*) from pgq.subscription;
