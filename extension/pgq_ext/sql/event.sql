-- is_event_done, set_event_done: tags of the batch in work
\set SHOW_CONTEXT never
select pgq_ext.is_event_done('e', 1, 10);
select pgq_ext.set_event_done('e', 1, 10);
select pgq_ext.set_event_done('e', 1, 10);
select pgq_ext.set_event_done('e', 1, 11);
select pgq_ext.is_event_done('e', 1, 10), pgq_ext.is_event_done('e', 1, 12), pgq_ext.is_event_done('e', 2, 10);

-- another consumer, a subconsumer
select pgq_ext.set_event_done('f', 1, 10), pgq_ext.set_event_done('e', 'sub', 1, 10);
select * from pgq_ext.completed_event order by 1, 2, 3, 4;
select * from pgq_ext.partial_batch order by 1, 2;

-- the first event of another batch drops the tags of the one before, not those of others
select pgq_ext.set_event_done('e', 2, 20);
select pgq_ext.is_event_done('e', 1, 10), pgq_ext.is_event_done('e', 2, 20);
select * from pgq_ext.completed_event order by 1, 2, 3, 4;
select * from pgq_ext.partial_batch order by 1, 2;

-- back to the first one: its tags are gone
select pgq_ext.set_event_done('e', 1, 10);
select * from pgq_ext.completed_event where consumer_id = 'e' and subconsumer_id = '';

-- a tag that came late, when its batch had been left, goes with the next change
insert into pgq_ext.completed_event (consumer_id, batch_id, event_id) values ('e', 2, 21);
select pgq_ext.is_event_done('e', 2, 21), pgq_ext.set_event_done('e', 2, 21);
select pgq_ext.set_event_done('e', 3, 30);
select * from pgq_ext.completed_event where consumer_id = 'e' and subconsumer_id = '';

select pgq_ext.set_event_done('e', null, 1);
select pgq_ext.set_event_done('e', 3, null);
select * from pgq_ext.partial_batch order by 1, 2;
