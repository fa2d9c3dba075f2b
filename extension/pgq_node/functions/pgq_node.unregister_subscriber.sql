create or replace function pgq_node.unregister_subscriber(
    i_queue_name text,
    i_remote_node_name text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.unregister_subscriber(2)
--
--      Removes a subscriber with the consumers that were made for it.
--
-- Returns:
--      200 - subscriber unregistered
--      304 - no such subscriber
-- ----------------------------------------------------------------------
declare
    _sub record;
begin
    -- first, as those do that register: both need more locks after it
    perform 1 from pgq_node.node_info n where n.queue_name = i_queue_name for no key update;
    delete from pgq_node.subscriber_info s
     where s.queue_name = i_queue_name and s.subscriber_node = i_remote_node_name
    returning s.worker_name, s.watermark_name into _sub;
    if not found then
        ret_code := 304;
        ret_note := 'Subscriber not found';
        return;
    end if;
    perform pgq.unregister_consumer(i_queue_name, _sub.watermark_name);
    perform pgq.unregister_consumer(i_queue_name, _sub.worker_name);
    ret_code := 200;
    ret_note := 'Subscriber unregistered: ' || i_remote_node_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.unregister_subscriber(text, text) is 'Removes a subscriber with the consumers that were made for it';
