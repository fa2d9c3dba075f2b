create or replace function pgq_node.create_node(
    i_queue_name text,
    i_node_type text,
    i_node_name text,
    i_worker_name text,
    i_provider_name text,
    i_global_watermark bigint,
    i_combined_queue text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.create_node(7)
--
--      Makes the local node of a queue. Its location and its provider's are
--      known already.
--
-- Parameters:
--      i_queue_name        - queue
--      i_node_type         - root, branch or leaf
--      i_node_name         - name of the node
--      i_worker_name       - consumer name of its worker
--      i_provider_name     - where it reads from; NULL for the root
--      i_global_watermark  - tick at which it begins; NULL for the root
--      i_combined_queue    - queue of this database that a leaf writes to, or NULL
-- Returns:
--      200 - node initialized
--      401 - there is one already, or arguments that the type does not take
-- ----------------------------------------------------------------------
declare
    _tick bigint;
    _provider text;
begin
    -- of two at once the second one finds the node of the first: there is no row
    -- yet that it could wait for
    perform pg_catalog.pg_advisory_xact_lock('pgq_node.node_info'::regclass::oid::integer, pg_catalog.hashtext(i_queue_name));
    if exists (select 1 from pgq_node.node_info n where n.queue_name = i_queue_name) then
        ret_code := 401;
        ret_note := 'Node already initialized';
        return;
    end if;
    ret_code := 401;
    case i_node_type
        when 'root' then
            if coalesce(i_provider_name, i_global_watermark::text, i_combined_queue) is not null then
                ret_note := 'unexpected args for ' || i_node_type;
                return;
            end if;
            perform pgq.create_queue(i_queue_name);
            perform pgq.register_consumer(i_queue_name, '.global_watermark');
            _tick := pgq_node._position(i_queue_name, '.global_watermark');
            _provider := i_node_name;
        when 'branch' then
            if i_provider_name is null then
                ret_note := 'provider not set for ' || i_node_type;
                return;
            end if;
            if i_global_watermark is null then
                ret_note := 'global watermark not set for ' || i_node_type;
                return;
            end if;
            perform pgq.create_queue(i_queue_name);
            update pgq.queue set queue_external_ticker = true, queue_disable_insert = true where queue_name = i_queue_name;
            if i_global_watermark > 1 then
                perform pgq.ticker(i_queue_name, i_global_watermark, pg_catalog.now(), 1);
            end if;
            perform pgq.register_consumer_at(i_queue_name, '.global_watermark', i_global_watermark);
            _tick := i_global_watermark;
            _provider := i_provider_name;
        when 'leaf' then
            if i_combined_queue is not null
               and not exists (select 1 from pgq.queue q where q.queue_name = i_combined_queue)
            then
                ret_note := 'non-existing queue on leaf side: ' || i_combined_queue;
                return;
            end if;
            _tick := i_global_watermark;
            _provider := i_provider_name;
        else
            -- the table's check refuses it
            _tick := i_global_watermark;
            _provider := i_provider_name;
    end case;
    insert into pgq_node.node_info (queue_name, node_type, node_name, worker_name, combined_queue)
    values (i_queue_name, i_node_type, i_node_name, i_worker_name, i_combined_queue);
    select r.ret_code, r.ret_note into ret_code, ret_note
      from pgq_node.register_consumer(i_queue_name, i_worker_name, _provider, _tick) r;
    if ret_code = 200 then
        ret_note := 'Node "' || i_node_name || '" initialized for queue "' || i_queue_name || '" with type "' || i_node_type || '"';
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.create_node(text, text, text, text, text, bigint, text) is 'Makes the local node of a queue: root, branch or leaf';
