\set SHOW_CONTEXT never
select pgq_coop.register_subconsumer('nosuch', 'm', 'a');
select pgq_coop.register_subconsumer(null, 'm', 'a');
select pgq_coop.next_batch('nosuch', 'm', 'a');
\set VERBOSITY sqlstate
select pgq_coop.register_subconsumer('q', null, 'a');
select pgq_coop.register_subconsumer('q', 'm', null);
\set VERBOSITY default
select pgq_coop.unregister_subconsumer('nosuch', 'm', 'a', 1), pgq_coop.unregister_subconsumer('q', 'm', null, 1);

-- the main consumer works on its own
select pgq.register_consumer('q', 'm');
call tick();
select pgq.next_batch('q', 'm') is not null as main_has_a_batch;
select pgq_coop.next_batch('q', 'm', 'a');
select pgq.finish_batch(sub_batch) from pgq.subscription where sub_batch is not null;
select pgq_coop.next_batch('q', 'm', 'a');

-- a consumer of its own that looks like a subconsumer is not touched
select pgq.register_consumer('q', 'm.own');
select pgq_coop.register_subconsumer('q', 'm', 'own');
select pgq_coop.next_batch('q', 'm', 'own');
select pgq_coop.unregister_subconsumer('q', 'm', 'own', 1);
select pgq_coop.finish_own_batch('q', 'm', 'own', 1);
select co_name, shared from subs;

-- a subconsumer has no position that pgq.next_batch could go on from
select pgq.next_batch('q', 'm.a');

set role pgq_writer;
select pgq_coop.next_batch('q', 'm', 'a');
set role pgq_reader;
select pgq_coop.next_batch('q', 'm', 'a');
reset role;
select pgq.unregister_consumer('q', 'm.own'), pgq.unregister_consumer('q', 'm');
