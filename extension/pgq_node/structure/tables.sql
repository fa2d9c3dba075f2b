-- ----------------------------------------------------------------------
-- Schema pgq_node: a queue that lives in many databases, its nodes. Events and
-- ticks have the same ids in all of them. These tables are one node's knowledge;
-- the queue itself, on root and branches, is pgq's.
--
-- A change of a node's state locks its node_info row first. Of pgq nothing is used
-- but what 3.5 has too: either may be upgraded or go back before the other.
--
-- local_state, the consumers that work for this node, is a view (views.sql). A
-- consumer stores its position in the transaction of its effects, in most
-- batches. As a row that each batch updates, it grows slow while any old
-- snapshot is open in the database: every update leaves a dead version which
-- nothing may remove yet, and every look-up walks over all of them. So what
-- batches change is a log, of the same kind as that of pgq_ext, whose
-- structure/tables.sql has the reasons and what was weighed:
--
--   local_consumer   one row a consumer, changed by administrators and when
--                    the process acknowledges that. Its row lock makes writers
--                    of one position take turns.
--   local_position   every position that it had, numbered from 1. The row
--                    with the highest number counts. Each hundredth write
--                    deletes the hundred before it.
--
-- Rules that pgq_node._state_lock(), _state_put() and _state_write() keep:
--   1. Whoever writes a position holds the lock of its local_consumer row, reads
--      the newest log row in a statement that began after that, and adds the
--      next number.
--   2. Under an old snapshot (REPEATABLE READ, SERIALIZABLE), where the newest
--      row may not be seen, that fails with 40001.
--   3. A consumer and its first position come and go in one transaction, and
--      the newest log row of one that is there is never deleted.
-- ----------------------------------------------------------------------

create schema if not exists pgq_node;
comment on schema pgq_node is 'PgQ: queues that are replicated over nodes';

create table if not exists pgq_node.node_location (
    queue_name      text        not null,
    node_name       text        not null,
    node_location   text        not null,
    dead            boolean     not null default false,

    primary key (queue_name, node_name)
);
comment on table pgq_node.node_location is 'Members of each set, with the connection string of each; the same on all nodes';

create table if not exists pgq_node.node_info (
    queue_name      text        not null,
    node_type       text        not null,
    node_name       text        not null,
    worker_name     text,
    combined_queue  text,
    node_attrs      text,

    primary key (queue_name),
    foreign key (queue_name, node_name) references pgq_node.node_location,
    check (node_type in ('root', 'branch', 'leaf')),
    check (case
               when node_type = 'root' then worker_name is not null and combined_queue is null
               when node_type = 'branch' then worker_name is not null and combined_queue is null
               when node_type = 'leaf' then worker_name is not null
               else false
           end)
);
comment on table pgq_node.node_info is 'The local node of each queue';

create table if not exists pgq_node.subscriber_info (
    queue_name      text        not null,
    subscriber_node text        not null,
    worker_name     text        not null,
    watermark_name  text        not null,

    primary key (queue_name, subscriber_node),
    foreign key (queue_name) references pgq_node.node_info,
    foreign key (queue_name, subscriber_node) references pgq_node.node_location,
    foreign key (worker_name) references pgq.consumer (co_name),
    foreign key (watermark_name) references pgq.consumer (co_name)
);
comment on table pgq_node.subscriber_info is 'Nodes that read from the local node';

create table if not exists pgq_node.local_consumer (
    lc_id           serial,
    queue_name      text    not null,
    consumer_name   text    not null,
    provider_node   text    not null,
    paused          boolean not null default false,
    uptodate        boolean not null default false,

    constraint local_consumer_pkey primary key (lc_id),
    constraint local_consumer_name_uq unique (queue_name, consumer_name),
    constraint local_state_queue_name_fkey foreign key (queue_name) references pgq_node.node_info,
    constraint local_state_queue_name_provider_node_fkey
        foreign key (queue_name, provider_node) references pgq_node.node_location
);
comment on table pgq_node.local_consumer is 'Consumers that work for this node: the half of local_state that batches do not change';

create table if not exists pgq_node.local_position (
    lc_id           integer not null,
    lp_seq          bigint  not null,
    last_tick_id    bigint  not null,
    cur_error       text,

    constraint local_position_pkey primary key (lc_id, lp_seq)
);
comment on table pgq_node.local_position is 'Positions of each consumer in local_consumer; the highest lp_seq has the one that counts';
