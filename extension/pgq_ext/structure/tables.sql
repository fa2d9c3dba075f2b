-- ----------------------------------------------------------------------
-- Tables of schema pgq_ext.
--
-- A consumer stores here, in the transaction of its own effects, how far it
-- has come: the last tick, the last batch, or the batch whose events it tags.
-- As a row that each batch updates, such a position grows slow while any old
-- snapshot is open in the database: every update leaves a dead version which
-- nothing may remove yet, and every look-up walks over all of them. So a
-- position is a log:
--
--   tracker       one row a consumer and kind of position, written once and
--                 never changed. Its row lock makes writers of one position
--                 take turns (a row lock makes no new row version).
--   tracker_log   every value that a position had, numbered from 1. The value
--                 now is the row with the highest number; NULL stands for 'no
--                 position', after a reset.
--
-- Why that stays fast: the look-up is the first entry of a backward index scan.
-- Old rows lie before it in the index, so it makes no difference to it whether
-- they are alive, dead or gone. Each hundredth write deletes the hundred rows
-- before it, by number, so it does not look at older dead ones either. Live
-- rows stay below a hundred a position; vacuum takes the deleted ones as usual.
-- The functions plan with enable_seqscan off: a plan made while the table had one
-- page would read all pages until the next analyze.
--
-- What was weighed: two logs in turn, emptied by TRUNCATE, as pgq has them.
-- There pgqd does it, in transactions of its own. Here nobody but the consumers
-- comes by, and theirs are apply transactions, which go on for minutes after
-- they have stored the position. TRUNCATE would hold its exclusive lock all that
-- time and stop readers and pg_dump; and it takes rows away from under old
-- snapshots, so that each reader would have to find out. With DELETE, MVCC
-- answers for that: no lock beyond the row's, every snapshot and dump sees its
-- own position. The price is disk: about 100 bytes a batch while an old snapshot
-- is held, less than what the consumer's own writes leave behind meanwhile.
--
-- Rules that pgq_ext._tracker_lock() and pgq_ext._tracker_put() keep:
--   1. Whoever writes a position holds the lock of its tracker row, reads the
--      newest log row in a statement that began after that, and adds the next
--      number.
--   2. A transaction with an old snapshot (REPEATABLE READ, SERIALIZABLE) may
--      not see the newest row. Then either the number that it adds is taken, or
--      the row that it sees was deleted since; both end in a serialization
--      failure (40001), and nothing is lost.
--   3. A tracker and its first log row come in one transaction, and the newest
--      log row is never deleted.
-- ----------------------------------------------------------------------

create table if not exists pgq_ext.tracker (
    tr_id           serial,
    tr_kind         text    not null,
    consumer_id     text    not null,
    subconsumer_id  text    not null default '',

    constraint tracker_pkey primary key (tr_id),
    constraint tracker_consumer_uq unique (consumer_id, subconsumer_id, tr_kind),
    constraint tracker_kind_check check (tr_kind in ('tick', 'batch', 'partial'))
);
comment on table pgq_ext.tracker is 'Positions that are kept: one row a consumer and kind, never updated';

create table if not exists pgq_ext.tracker_log (
    tr_id       integer     not null,
    tr_seq      bigint      not null,
    tr_value    bigint,

    constraint tracker_log_pkey primary key (tr_id, tr_seq)
);
comment on table pgq_ext.tracker_log is 'Values of each tracker; the highest tr_seq has the one that counts';

-- Tags are inserted once and deleted together: nothing here is hot, so it is
-- the table that it was in 3.1.
create table if not exists pgq_ext.completed_event (
    consumer_id     text    not null,
    subconsumer_id  text    not null default '',
    batch_id        bigint  not null,
    event_id        bigint  not null,

    constraint completed_event_pkey primary key (consumer_id, subconsumer_id, batch_id, event_id)
);
comment on table pgq_ext.completed_event is 'Events of the current batch of each consumer that are done';
