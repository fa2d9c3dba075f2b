create or replace function pgq_node.get_queue_locations(
    i_queue_name text,
    out node_name text,
    out node_location text,
    out dead boolean)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.get_queue_locations(1)
--
--      The members of a set, as far as the local node knows them.
-- ----------------------------------------------------------------------
begin
    return query
        select l.node_name, l.node_location, l.dead
          from pgq_node.node_location l
         where l.queue_name = i_queue_name
         order by l.node_name;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.get_queue_locations(text) is 'The members of a set, as the local node knows them';
