-- ----------------------------------------------------------------------
-- Positions of consumers, without dead rows.
--
-- A position changes twice a batch. As an updated row it would leave two dead
-- versions a batch, and while any old snapshot is open nothing may remove
-- them: each lookup walks over all of them, and slows down for hours. So a
-- position is a log:
--
--   registration    one row a consumer and queue, written once. Its row lock
--                   serialises all writers of the position (a row lock makes
--                   no new row version).
--   position_0, _1  insert-only logs. The newest row of a registration is the
--                   one with the highest pos_seq.
--   position_state  which log is written to now; no row means position_0.
--
-- Rules that pgq._position() and pgq._position_put() rely on:
--   1. Whoever writes a position holds the lock of its registration row, and
--      reads the newest row and position_state in statements that started
--      after the lock was taken.
--   2. A log becomes current only right after it was truncated, and it is
--      truncated only when no registration has its newest row there. So a row
--      found in the current log is newer than any row in the other one.
--   3. pgq.maint_position_logs() carries the newest rows over, then truncates.
--      TRUNCATE gives the space back whatever snapshots are open.
--
-- pgq.subscription shows it as the table that it was, and can be written to.
-- ----------------------------------------------------------------------

create sequence if not exists pgq.subscription_sub_id_seq as integer;

create table if not exists pgq.registration (
    reg_id          bigserial,
    sub_id          integer     not null default pg_catalog.nextval('pgq.subscription_sub_id_seq'),
    sub_queue       integer     not null,
    sub_consumer    integer     not null,

    constraint registration_pkey primary key (reg_id),
    constraint subscription_pkey unique (sub_queue, sub_consumer),
    constraint sub_queue_fkey foreign key (sub_queue) references pgq.queue (queue_id),
    constraint sub_consumer_fkey foreign key (sub_consumer) references pgq.consumer (co_id)
);
-- sub_id is not unique: cooperative subconsumers share that of their main consumer.
create index if not exists registration_sub_id_idx on pgq.registration (sub_id);
create index if not exists registration_consumer_idx on pgq.registration (sub_consumer);
alter sequence pgq.subscription_sub_id_seq owned by pgq.registration.sub_id;
comment on table pgq.registration is 'Consumers registered on queues: the fixed half of pgq.subscription';

create table if not exists pgq.position_0 (
    reg_id      bigint      not null,
    pos_seq     bigint      not null,
    last_tick   bigint,
    active      timestamptz not null default pg_catalog.now(),
    batch       bigint,
    next_tick   bigint,

    constraint position_0_pkey primary key (reg_id, pos_seq)
);
create index if not exists position_0_batch_idx on pgq.position_0 (batch) where batch is not null;
comment on table pgq.position_0 is 'Log of consumer positions, one of two used in turn';

create table if not exists pgq.position_1 (
    like pgq.position_0 including defaults,
    constraint position_1_pkey primary key (reg_id, pos_seq)
);
create index if not exists position_1_batch_idx on pgq.position_1 (batch) where batch is not null;
comment on table pgq.position_1 is 'Log of consumer positions, one of two used in turn';

-- Both logs are emptied by TRUNCATE and never have a dead row.
alter table pgq.position_0 set (autovacuum_enabled = off);
alter table pgq.position_1 set (autovacuum_enabled = off);

create table if not exists pgq.position_state (
    one     boolean not null default true check (one),
    cur     integer not null check (cur in (0, 1)),

    constraint position_state_pkey primary key (one)
);
comment on table pgq.position_state is 'Which position log is written to; no row: position_0';

create or replace view pgq.subscription as
    select r.sub_id, r.sub_queue, r.sub_consumer,
           p.last_tick as sub_last_tick,
           p.active as sub_active,
           p.batch as sub_batch,
           p.next_tick as sub_next_tick
      from pgq.registration r
      cross join lateral (
            (select p0.pos_seq, p0.last_tick, p0.active, p0.batch, p0.next_tick
               from pgq.position_0 p0 where p0.reg_id = r.reg_id
              order by p0.pos_seq desc limit 1)
            union all
            (select p1.pos_seq, p1.last_tick, p1.active, p1.batch, p1.next_tick
               from pgq.position_1 p1 where p1.reg_id = r.reg_id
              order by p1.pos_seq desc limit 1)
            order by 1 desc limit 1
      ) p;
alter view pgq.subscription alter column sub_id set default pg_catalog.nextval('pgq.subscription_sub_id_seq');
alter view pgq.subscription alter column sub_active set default pg_catalog.now();
comment on view pgq.subscription is 'Consumers of each queue with position and open batch';
