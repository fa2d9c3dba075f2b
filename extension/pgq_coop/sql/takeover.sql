-- Numbers of batches differ by what ran before: show them from the first one.
select nextval('pgq.batch_id_seq') as base \gset
create table base as select :base as base;
create function nb(sub text, dead interval default null) returns bigint as $$
    select pgq_coop.next_batch('q', 'm', sub, dead) - (select base from base);
$$ language sql;
create function silent(sub text, how_old interval) returns void as $$
    update pgq.subscription s set sub_active = now() - how_old
      from pgq.consumer c where c.co_id = s.sub_consumer and c.co_name = 'm.' || sub;
$$ language sql;
create view work as
    select s.co_name, s.batch - b.base as batch from subs s, base b where s.co_name <> 'm';

select nb('a') as a, nb('idle') as idle, nb('new') as new;
call tick('one');
call tick('two');
call tick('three');
select nb('a') as a, nb('b') as b, nb('c') as c;

-- nobody is dead: not yet, and not for one who does not ask
select nb('new', '1 hour') as nothing, nb('new') as nothing;
select silent('a', '2 hours'), silent('b', '3 hours'), silent('idle', '4 hours');
select nb('new') as nothing;
select nb('new', '5 hours') as nothing;
select * from work;

-- the one with a batch that was silent the longest comes first; the id stays
select nb('new', '1 hour') as from_b;
select * from work;
-- one that has a batch takes over no other
select nb('new', '1 hour') as its_own;
select e.ev_data, i.consumer_name from base, pgq.get_batch_info(base + 2) i, pgq.get_batch_events(base + 2) e;

-- the old owner is late: by its name it fails, by the id it closes the batch
select pgq_coop.finish_own_batch('q', 'm', 'b', base + 2) as late from base;
select pgq_coop.finish_own_batch('q', 'm', 'new', base + 2) as own,
       pgq_coop.finish_own_batch('q', 'm', 'new', base + 2) as twice,
       pgq_coop.finish_own_batch('q', 'm', 'new', null) as none from base;
select nb('new', '1 hour') as from_a;
select pgq_coop.finish_batch(base + 1) as late from base;
\set VERBOSITY sqlstate
select pgq_coop.finish_batch(base + 1) as new_owner from base;
\set VERBOSITY default

-- then idle ones, one a call, whether or not there is a new batch
select silent('idle', '2 hours'), silent('c', '0 hours'), nb('idle2'), silent('idle2', '3 hours');
select * from work;
select nb('new', '1 hour') as nothing;
select * from work;
call tick('four');
select nb('new', '1 hour') as gets;
select * from work;

-- the name that was removed comes back with the next call
select nb('b') as nothing;
select * from work;

-- one that polls without work stays alive by that
select silent('b', '40 minutes'), nb('b', '1 hour');
select last_seen < '1 minute' as seen from pgq.get_consumer_info('q', 'm.b');
-- and not each poll is a write
select silent('b', '20 minutes'), nb('b', '1 hour');
select last_seen < '1 minute' as seen from pgq.get_consumer_info('q', 'm.b');

select pgq.unregister_consumer('q', 'm');
drop view work;
drop table base;
drop function nb, silent;
