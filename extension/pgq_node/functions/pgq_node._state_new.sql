create or replace function pgq_node._state_new(i_queue_name text, i_consumer_name text, i_provider_node text, i_tick_id bigint)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._state_new(4)
--
--      Adds a consumer. Not through the view, as in _state_set().
-- ----------------------------------------------------------------------
declare
    _id integer;
begin
    insert into pgq_node.local_consumer (queue_name, consumer_name, provider_node)
    values (i_queue_name, i_consumer_name, i_provider_node)
    returning lc_id into _id;
    perform pgq_node._state_put(_id, 0, i_tick_id, null);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node._state_new(text, text, text, bigint) is 'internal: adds a consumer';
