create or replace function pgq_node.is_root_node(i_queue_name text)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.is_root_node(1)
--
--      Tells whether the local node of a queue is its root.
--
-- Errors:
--      queue does not exist
-- ----------------------------------------------------------------------
declare
    _is boolean;
begin
    select n.node_type = 'root' into _is from pgq_node.node_info n where n.queue_name = i_queue_name;
    if not found then
        raise exception 'queue does not exist: %', i_queue_name;
    end if;
    return _is;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.is_root_node(text) is 'Tells whether the local node of a queue is its root';
