-- ----------------------------------------------------------------------
-- Tables of schema pgq.
--
-- The names, columns and constraints of queue, consumer, tick, retry_queue
-- and event_template are a contract with clients. event_table is ours.
-- ----------------------------------------------------------------------

create schema if not exists pgq;
comment on schema pgq is 'PgQ: event queues that cut their stream into batches by transaction snapshots';

create table if not exists pgq.consumer (
    co_id       serial,
    co_name     text not null,

    constraint consumer_pkey primary key (co_id),
    constraint consumer_name_uq unique (co_name)
);
comment on table pgq.consumer is 'Names of consumers; a name may be registered on many queues';

create table if not exists pgq.queue (
    queue_id                    serial,
    queue_name                  text        not null,

    queue_ntables               integer     not null default 3,
    queue_cur_table             integer     not null default 0,
    queue_rotation_period       interval    not null default '2 hours',
    queue_switch_step1          bigint      not null default pg_catalog.txid_current(),
    queue_switch_step2          bigint               default pg_catalog.txid_current(),
    queue_switch_time           timestamptz not null default pg_catalog.now(),

    queue_external_ticker       boolean     not null default false,
    queue_disable_insert        boolean     not null default false,
    queue_ticker_paused         boolean     not null default false,
    queue_ticker_max_count      integer     not null default 500,
    queue_ticker_max_lag        interval    not null default '3 seconds',
    queue_ticker_idle_period    interval    not null default '1 minute',
    queue_per_tx_limit          integer,

    queue_data_pfx              text        not null,
    queue_event_seq             text        not null,
    queue_tick_seq              text        not null,
    queue_extra_maint           text[],

    constraint queue_pkey primary key (queue_id),
    constraint queue_name_uq unique (queue_name)
);
comment on table pgq.queue is 'One row a queue: settings, and which event table is current';
comment on column pgq.queue.queue_ntables is 'event tables that exist; grows while old ones cannot be truncated';
comment on column pgq.queue.queue_cur_table is 'number of the event table that producers insert into';
comment on column pgq.queue.queue_switch_step1 is 'transaction that did the latest rotation';
comment on column pgq.queue.queue_switch_step2 is 'transaction after it, NULL until it has run';
comment on column pgq.queue.queue_data_pfx is 'unquoted qualified name of the parent event table';

create table if not exists pgq.tick (
    tick_queue      integer         not null,
    tick_id         bigint          not null,
    tick_time       timestamptz     not null default pg_catalog.now(),
    tick_snapshot   txid_snapshot   not null default pg_catalog.txid_current_snapshot(),
    tick_event_seq  bigint          not null,

    constraint tick_pkey primary key (tick_queue, tick_id),
    constraint tick_queue_fkey foreign key (tick_queue) references pgq.queue (queue_id)
);
comment on table pgq.tick is 'Snapshots that cut each queue into batches: a later tick sees all that an earlier one sees';
comment on column pgq.tick.tick_event_seq is 'event sequence as read before the snapshot; for statistics, never for what a batch holds';

-- The states of an event table. pgq.batch_event_tables() decides by these two
-- transaction ids which tables a batch must read, and
-- pgq.maint_rotate_tables_step1() when a table may be truncated:
--
--   et_opened   the rotation that made the table current. An event in it was
--               inserted after that rotation committed, so a tick that does
--               not see et_opened sees none of its events. 0: a queue's first
--               table. NULL: the table is free, that is empty and not current.
--   et_drained  a transaction that found, after the table had stopped being
--               current, that nobody held a write lock on it. A tick that sees
--               et_drained sees every event of the table as committed or rolled
--               back, so a batch that starts there needs nothing from it.
--
-- Both are compared by visibility and never by size: a transaction that sits
-- idle for hours with an old id changes nothing about either answer.
create table if not exists pgq.event_table (
    et_queue    integer     not null,
    et_num      integer     not null,
    et_opened   bigint,
    et_drained  bigint,

    constraint event_table_pkey primary key (et_queue, et_num),
    constraint event_table_queue_fkey foreign key (et_queue) references pgq.queue (queue_id)
);
comment on table pgq.event_table is 'State of each event table of each queue';

-- Root of the inheritance tree of event tables; always empty itself.
create table if not exists pgq.event_template (
    ev_id       bigint      not null,
    ev_time     timestamptz not null,

    ev_txid     bigint      not null default pg_catalog.txid_current(),
    ev_owner    integer,
    ev_retry    integer,

    ev_type     text,
    ev_data     text,
    ev_extra1   text,
    ev_extra2   text,
    ev_extra3   text,
    ev_extra4   text
);
comment on table pgq.event_template is 'Parent of all event tables';
comment on column pgq.event_template.ev_owner is 'sub_id of the consumer that asked for this event again; NULL: an event for all';
comment on column pgq.event_template.ev_retry is 'how many times the event was retried; NULL: never';

create table if not exists pgq.retry_queue (
    ev_retry_after  timestamptz not null,
    ev_queue        integer     not null,

    ev_id           bigint      not null,
    ev_time         timestamptz not null,
    ev_txid         bigint,
    ev_owner        integer     not null,
    ev_retry        integer,
    ev_type         text,
    ev_data         text,
    ev_extra1       text,
    ev_extra2       text,
    ev_extra3       text,
    ev_extra4       text,

    constraint rq_pkey primary key (ev_owner, ev_id),
    constraint rq_queue_id_fkey foreign key (ev_queue) references pgq.queue (queue_id)
);
create index if not exists rq_retry_idx on pgq.retry_queue (ev_retry_after);
comment on table pgq.retry_queue is 'Events that wait to be put back into their queue for one consumer';

create sequence if not exists pgq.batch_id_seq;
comment on sequence pgq.batch_id_seq is 'Batch ids of all queues of the database';
