create or replace function pgq_node.set_subscriber_watermark(
    i_queue_name text,
    i_node_name text,
    i_watermark bigint,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_subscriber_watermark(3)
--
--      Tells this node up to where all that is below a subscriber has come. Until
--      then its events are kept.
--
-- Returns:
--      100 - it stands there already
--      200 - watermark moved
--      404 - no such subscriber
--      405 - a watermark is never moved back
-- Errors:
--      no such tick
-- ----------------------------------------------------------------------
declare
    _sub record;
begin
    select s.watermark_name, pgq_node._position(i_queue_name, s.watermark_name) as tick into _sub
      from pgq_node.subscriber_info s
     where s.queue_name = i_queue_name and s.subscriber_node = i_node_name;
    if not found then
        ret_code := 404;
        ret_note := 'node ' || i_node_name || ' not subscribed to queue ';
        return;
    end if;
    if i_watermark < _sub.tick then
        ret_code := 405;
        ret_note := 'watermark must not be moved backwards';
        return;
    end if;
    if i_watermark = _sub.tick then
        ret_code := 100;
        ret_note := 'watermark already set';
        return;
    end if;
    perform pgq.register_consumer_at(i_queue_name, _sub.watermark_name, i_watermark);
    ret_code := 200;
    ret_note := _sub.watermark_name || ' set to ' || i_watermark;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_subscriber_watermark(text, text, bigint) is 'Moves the watermark of a subscriber forward';
