create or replace function pgq_node.register_consumer(
    i_queue_name text,
    i_consumer_name text,
    i_provider_node text,
    i_custom_tick_id bigint,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.register_consumer(4)
--
--      Makes the local node keep the position of a cascaded consumer, or moves
--      one that it has.
--
-- Parameters:
--      i_queue_name        - queue
--      i_consumer_name     - consumer
--      i_provider_node     - node that it reads from
--      i_custom_tick_id    - where it stands
-- Returns:
--      200 - consumer registered
--      201 - it was registered already, and was moved
--      404 - no node of that queue
-- ----------------------------------------------------------------------
begin
    perform 1 from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    if i_provider_node is null or i_custom_tick_id is null then
        raise exception 'null value in column "%" of relation "local_state" violates not-null constraint',
                case when i_provider_node is null then 'provider_node' else 'last_tick_id' end
            using errcode = 'not_null_violation', schema = 'pgq_node', table = 'local_state',
                  column = case when i_provider_node is null then 'provider_node' else 'last_tick_id' end;
    end if;
    if pgq_node._state_set(i_queue_name, i_consumer_name, i_provider_node, i_custom_tick_id, null, null) then
        ret_code := 201;
        ret_note := 'Consumer already registered: ' || i_queue_name || '/' || i_consumer_name;
        return;
    end if;
    perform pgq_node._state_new(i_queue_name, i_consumer_name, i_provider_node, i_custom_tick_id);
    ret_code := 200;
    ret_note := 'Consumer ' || i_consumer_name || ' registered on queue ' || i_queue_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.register_consumer(text, text, text, bigint) is 'Makes the local node keep the position of a cascaded consumer';
