-- ----------------------------------------------------------------------
-- Schema pgq_node: a queue that lives in many databases, its nodes. Events and
-- ticks have the same ids in all of them. These tables are one node's knowledge;
-- the queue itself, on root and branches, is pgq's.
--
-- A change of a node's state locks its node_info row first. Of pgq nothing is used
-- but what 3.5 has too: either may be upgraded or go back before the other.
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

create table if not exists pgq_node.local_state (
    queue_name      text        not null,
    consumer_name   text        not null,
    provider_node   text        not null,
    last_tick_id    bigint      not null,
    cur_error       text,
    paused          boolean     not null default false,
    uptodate        boolean     not null default false,

    primary key (queue_name, consumer_name),
    foreign key (queue_name) references pgq_node.node_info,
    foreign key (queue_name, provider_node) references pgq_node.node_location
);
comment on table pgq_node.local_state is 'Position and state of each cascaded consumer of the local node, its worker included';

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
