create or replace function pgq_node.get_subscriber_info(
    i_queue_name text,
    out node_name text,
    out worker_name text,
    out node_watermark bigint)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.get_subscriber_info(1)
--
--      The subscribers of this node, by name.
-- ----------------------------------------------------------------------
begin
    return query
        select s.subscriber_node, s.worker_name, pgq_node._position(s.queue_name, s.watermark_name)
          from pgq_node.subscriber_info s
         where s.queue_name = i_queue_name
         order by s.subscriber_node;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.get_subscriber_info(text) is 'The subscribers of this node, with the watermark of each';
