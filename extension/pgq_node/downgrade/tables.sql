-- ----------------------------------------------------------------------
-- Makes a table again of the view that 4.0 has in its place.
-- ----------------------------------------------------------------------

do $$
begin
    alter view pgq_node.local_state rename to _old_local_state;
    create table pgq_node.local_state (
        queue_name      text    not null,
        consumer_name   text    not null,
        provider_node   text    not null,
        last_tick_id    bigint  not null,
        cur_error       text,
        paused          boolean not null default false,
        uptodate        boolean not null default false,

        constraint local_state_pkey primary key (queue_name, consumer_name),
        constraint local_state_queue_name_fkey foreign key (queue_name) references pgq_node.node_info,
        constraint local_state_queue_name_provider_node_fkey
            foreign key (queue_name, provider_node) references pgq_node.node_location
    );
    insert into pgq_node.local_state (queue_name, consumer_name, provider_node, last_tick_id, cur_error, paused, uptodate)
    select o.queue_name, o.consumer_name, o.provider_node, o.last_tick_id, o.cur_error, o.paused, o.uptodate
      from pgq_node._old_local_state o;
    grant select on pgq_node.local_state to pgq_reader, pgq_writer;
    grant select, insert, update, delete on pgq_node.local_state to pgq_admin;
    drop view pgq_node._old_local_state;
    perform pg_catalog.pg_extension_config_dump('pgq_node.local_state', '');
    -- an extension drops what pg_dump reads only after it was taken off the list
    alter extension pgq_node drop table pgq_node.local_consumer;
    alter extension pgq_node drop table pgq_node.local_position;
    alter extension pgq_node drop sequence pgq_node.local_consumer_lc_id_seq;
    drop table pgq_node.local_consumer, pgq_node.local_position;
end;
$$;
comment on table pgq_node.node_location is null;
comment on table pgq_node.node_info is null;
comment on table pgq_node.subscriber_info is null;
comment on schema pgq_node is null;
