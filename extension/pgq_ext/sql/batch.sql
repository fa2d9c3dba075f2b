-- is_batch_done, set_batch_done: only the last batch is remembered
\set SHOW_CONTEXT never
select pgq_ext.is_batch_done('chk', 1);
select pgq_ext.set_batch_done('chk', 1);
select pgq_ext.is_batch_done('chk', 1);
select pgq_ext.set_batch_done('chk', 1);
select pgq_ext.set_batch_done('chk', 2);
select pgq_ext.is_batch_done('chk', 1), pgq_ext.is_batch_done('chk', 2);

-- going back is accepted
select pgq_ext.set_batch_done('chk', 1);
select pgq_ext.is_batch_done('chk', 1), pgq_ext.is_batch_done('chk', 2);

-- no batch: true, and nothing is stored
select pgq_ext.set_batch_done('chk', 0), pgq_ext.set_batch_done('chk', -1), pgq_ext.set_batch_done('chk', null);
select pgq_ext.is_batch_done('chk', 1), pgq_ext.is_batch_done('chk', 0), pgq_ext.is_batch_done('chk', null);

-- subconsumers are consumers of their own
select pgq_ext.set_batch_done('chk', 'sub', 1), pgq_ext.set_batch_done('chk', 'sub', 1);
select pgq_ext.set_batch_done('chk', 'sub', 5);
select * from pgq_ext.completed_batch order by 1, 2;
select pgq_ext.set_batch_done(null, 1);
select pgq_ext.set_batch_done('chk', null, 1);

-- rolled back with the effects
begin;
select pgq_ext.set_batch_done('chk', 9);
select pgq_ext.is_batch_done('chk', 9);
rollback;
select pgq_ext.is_batch_done('chk', 9), pgq_ext.is_batch_done('chk', 1);

-- a writer may call, a reader may not
set role pgq_writer;
select pgq_ext.set_batch_done('writer', 3), pgq_ext.is_batch_done('writer', 3);
select * from pgq_ext.completed_batch;
set role pgq_reader;
select pgq_ext.set_batch_done('reader', 3);
select pgq_ext.version() is not null as version;
reset role;
