-- find_tick_helper and the conditions of next_batch_custom: which tick ends a
-- batch.
\set VERBOSITY terse
select pgq.create_queue('q');
select queue_id as q from pgq.queue \gset
select pgq.register_consumer('q', 'c');

-- position tick 1 at 10:00 and event 100; then 110, 130, 170, 250, 1000
update pgq.tick set tick_time = '2020-01-01 10:00+00', tick_event_seq = 100;
insert into pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq) values
    (:q, 2, '2020-01-01 10:01+00', 110), (:q, 4, '2020-01-01 10:02+00', 130), (:q, 5, '2020-01-01 10:04+00', 170),
    (:q, 8, '2020-01-01 10:08+00', 250), (:q, 9, '2020-01-01 11:00+00', 1000);


create temp table cases (newest bigint, min_count bigint, min_interval interval, note text);
insert into cases values
    (1, 10, null, 'nothing new'),
    (1, 10, '1 minute', 'nothing new'),
    (2, 5, null, 'exactly twice as many: still the newest'),
    (2, 4, null, 'more than twice: the first that is enough'),
    (2, 10, null, 'enough'),
    (2, 11, null, 'too few'),
    (4, 20, null, 'newest is enough'),
    (4, 15, null, 'exactly twice as many'),
    (4, 14, null, 'more than twice: first with 14'),
    (4, 10, null, 'first with 10 is enough'),
    (9, 60, null, 'far too many: first with 60'),
    (9, 450, null, 'exactly twice'),
    (9, 449, null, 'more than twice'),
    (9, 900, null, 'newest is enough'),
    (9, 901, null, 'too few'),
    (2, null, '1 minute', 'old enough'),
    (2, null, '61 seconds', 'too young'),
    (2, null, '30 seconds', 'exactly twice'),
    (4, null, '59 seconds', 'more than twice: first of 59 seconds'),
    (5, null, '90 seconds', 'more than twice: first of 90 seconds'),
    (9, null, '1 hour', 'old enough'),
    (9, null, '2 hours', 'too young'),
    (9, null, '4 minutes', 'more than twice: first of 4 minutes'),
    (5, 1000, '4 minutes', 'or: time is enough'),
    (5, 70, '1 hour', 'or: count is enough'),
    (5, 71, '5 minutes', 'neither'),
    (8, 140, '3 minutes', 'time is too far: first with either'),
    (8, 60, '8 minutes', 'count is too far: first with either'),
    (9, 10000, '2 minutes', 'time is too far: count never'),
    (9, 0, null, 'none asked for'),
    (9, null, '0', 'none asked for'),
    (9, null, null, 'no condition');

create function helper(newest bigint, min_count bigint, min_interval interval, out tick bigint, out ok boolean) as $$
declare
    r record;
begin
    -- as if there were no tick after the newest
    delete from pgq.tick where tick_id > newest;
    select h.* into r from pgq.queue q,
        pgq.find_tick_helper(q.queue_id, 1, '2020-01-01 10:00+00', 100, min_count, min_interval) h
     where q.queue_name = 'q';
    tick := r.next_tick_id;
    ok := (select (t.tick_time, t.tick_event_seq) from pgq.tick t where t.tick_id = r.next_tick_id) = (r.next_tick_time, r.next_tick_seq);
    raise exception using errcode = 'PT001';
exception
    when sqlstate 'PT001' then
        null;
end;
$$ language plpgsql;
select c.newest, c.min_count, c.min_interval, h.tick, h.ok, c.note from cases c, helper(c.newest, c.min_count, c.min_interval) h;

-- next_batch_custom takes the same, and then looks at min_lag without a search
-- for an older tick
create function custom(min_lag interval, min_count int, min_interval interval, newest_age interval) returns text as $$
declare
    r record;
    t text;
begin
    update pgq.tick set tick_time = now() - newest_age where tick_id = 9;
    select * into r from pgq.next_batch_custom('q', 'c', min_lag, min_count, min_interval);
    t := coalesce(format('%s -> %s', r.prev_tick_id, r.cur_tick_id), 'none') || case when r.batch_id is null then ', no batch' else '' end;
    raise exception using errcode = 'PT001';
exception
    when sqlstate 'PT001' then
        return t;
end;
$$ language plpgsql;
select custom(null, null, null, '1 minute') as next, custom(null, 60, null, '1 minute') as count, custom(null, null, '7 minutes', '1 minute') as interval;
select custom('30 seconds', 900, null, '1 minute') as old_enough, custom('1 minute', 900, null, '1 minute') as just,
       custom('2 minutes', 900, null, '1 minute') as too_young, custom('1 hour', 60, null, '1 minute') as first_is_old,
       custom(null, 901, null, '1 minute') as too_few;
select custom('1 hour', null, null, '1 minute') as next_is_old;
-- nothing was written
select last_tick, current_batch from pgq.get_consumer_info('q', 'c');

-- next_batch_upto: as many ticks as hold about so many events, at least one
create function upto(max_count int) returns text as $$
declare
    r record;
begin
    select * into r from pgq.next_batch_upto('q', 'c', max_count);
    raise exception using errcode = 'PT001';
exception
    when sqlstate 'PT001' then
        return format('%s -> %s', r.prev_tick_id, r.cur_tick_id);
end;
$$ language plpgsql;
select n, upto(n) from unnest(array[null, -1, 0, 9, 10, 29, 30, 31, 150, 899, 900, 1000000]) n;
drop function upto;

-- ids need no order without gaps; a batch over many ticks
select prev_tick_id, cur_tick_id, prev_tick_event_seq, cur_tick_event_seq from pgq.next_batch_custom('q', 'c', null, 120, null);
select prev_tick_id, tick_id, seq_start, seq_end from pgq.subscription, pgq.get_batch_info(sub_batch);

-- the open one, whatever is asked for
select prev_tick_id, cur_tick_id from pgq.next_batch_upto('q', 'c', 1);
select pgq.finish_batch(sub_batch) from pgq.subscription;
select prev_tick_id, cur_tick_id from pgq.next_batch_upto('q', 'c', 1);
select pgq.finish_batch(sub_batch) from pgq.subscription;
select * from pgq.next_batch_upto('q', 'c', 1);
select * from pgq.next_batch_upto('q', 'nosuch', 1);
drop function custom, helper;
select pgq.drop_queue('q', true);
