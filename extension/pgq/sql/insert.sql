-- insert_event, insert_event_raw, current_event_table.
\set VERBOSITY terse
-- texts show the table's name
alter sequence pgq.queue_queue_id_seq restart 800;
select pgq.create_queue('q');
select queue_data_pfx as pfx, queue_event_seq as seq from pgq.queue \gset

select pgq.insert_event('q', 'type', 'data');
select pgq.insert_event('q', 'type', 'data', 'e1', 'e2', 'e3', 'e4');
select pgq.insert_event('q', null, null);
select ev_id, ev_time = now() as now, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_owner, ev_retry
  from :pfx order by ev_id;
begin;
select pgq.insert_event('q', 'time', 'of the transaction') \gset
select ev_time = now() as tx_start, ev_txid = txid_current() as own_txid from :pfx where ev_type = 'time';
savepoint s;
select pgq.insert_event('q', 'sub', 'subtransaction') \gset
select ev_txid = txid_current() as top_txid from :pfx where ev_type = 'sub';
commit;

-- insert_event_raw: id and time may be given; an id is burned even then
select last_value as before from :seq \gset
select pgq.insert_event_raw('q', 4000, '2001-02-03 04:05:06', 7, 3, 'raw', 'd', '1', '2', '3', '4');
select last_value - :before as burned from :seq;
select ev_id, ev_time = '2001-02-03 04:05:06'::timestamptz as "time", ev_owner, ev_retry, ev_extra1, ev_extra2, ev_extra3, ev_extra4
  from :pfx where ev_type = 'raw';
select pgq.insert_event_raw('q', null, null, null, null, 'raw2', null, null, null, null, null) - :before as id;
select ev_time = now() as now from :pfx where ev_type = 'raw2' and ev_time <= now();

select pgq.insert_event(null, 't', 'd');
select pgq.insert_event('nosuch', 't', 'd');
select pgq.insert_event_raw(null, 1, null, null, null, null, null, null, null, null, null);
select pgq.insert_event_raw('nosuch', 1, null, null, null, null, null, null, null, null, null);

-- disabled: refused, leaves a gap in the ids; replica may
select last_value as before from :seq \gset
update pgq.queue set queue_disable_insert = true;
select pgq.insert_event('q', 'disabled', 'origin');
set session_replication_role = local;
select pgq.insert_event('q', 'disabled', 'local');
select pgq.current_event_table('q');
set session_replication_role = replica;
select pgq.insert_event('q', 'disabled', 'replica') - :before as id;
select pgq.current_event_table('q') = :'pfx' || '_0' as cur;
reset session_replication_role;
select pgq.current_event_table('q');
update pgq.queue set queue_disable_insert = false;
select pgq.insert_event('q', 'enabled', 'origin') - :before as id;
select ev_data from :pfx where ev_type in ('disabled', 'enabled') order by ev_id;

-- current_event_table: COPY with a column list
select pgq.current_event_table('nosuch');
select pgq.current_event_table(null);
begin;
select pgq.current_event_table('q') as cur \gset
copy :cur (ev_time, ev_type, ev_data) from stdin;
2001-01-01	copy	one
2001-01-01	copy	two
\.
commit;
select ev_id - :before as id, ev_txid is not null as txid, ev_owner, ev_retry, ev_data from :pfx where ev_type = 'copy' order by ev_id;
copy :cur (ev_type, ev_data) from stdin;
copy	no time
\.

-- the limit of a transaction
update pgq.queue set queue_per_tx_limit = 2;
begin;
select pgq.insert_event('q', 'limit', '1') > 0 as ok, pgq.insert_event('q', 'limit', '2') > 0 as ok;
select pgq.insert_event('q', 'limit', '3');
rollback;
-- each transaction has its own count
begin; select pgq.insert_event('q', 'limit', '1') > 0 as ok; select pgq.insert_event('q', 'limit', '2') > 0 as ok; commit;
begin; select pgq.insert_event('q', 'limit', '1') > 0 as ok; select pgq.insert_event('q', 'limit', '2') > 0 as ok; commit;
-- in one statement
select count(pgq.insert_event('q', 'limit', n::text)) from generate_series(1, 3) n;
-- and each queue, also without savepoints in between
select pgq.create_queue('q2');
update pgq.queue set queue_per_tx_limit = 1 where queue_name = 'q2';
begin;
select pgq.insert_event('q2', 'limit', 'a') > 0 as ok;
savepoint s;
select pgq.insert_event('q', 'limit', 'a') > 0 as ok;
select pgq.insert_event('q', 'limit', 'b') > 0 as ok;
select pgq.insert_event('q2', 'limit', 'b');
rollback;
-- committed savepoints count
begin;
savepoint s;
select pgq.insert_event('q2', 'limit', 'a') > 0 as ok;
release savepoint s;
select pgq.insert_event('q2', 'limit', 'b');
rollback;
update pgq.queue set queue_per_tx_limit = 0 where queue_name = 'q2';
select pgq.insert_event('q2', 'limit', 'none');
update pgq.queue set queue_per_tx_limit = -1 where queue_name = 'q2';
select pgq.insert_event('q2', 'limit', 'negative is off') > 0 as ok;
-- COPY knows no limit
update pgq.queue set queue_per_tx_limit = 0 where queue_name = 'q2';
begin;
select pgq.current_event_table('q2') as cur \gset
copy :cur (ev_time, ev_type) from stdin;
2001-01-01	copy
\.
commit;

-- no event in the parent, nor in a table that is not current
select count(*) as parent from only :pfx;
\set pfx_1 :pfx _1
\set pfx_2 :pfx _2
select (select count(*) from :pfx_1) + (select count(*) from :pfx_2) as other;

select pgq.drop_queue('q'), pgq.drop_queue('q2');
