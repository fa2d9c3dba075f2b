create or replace function pgq_node._state_set(
    i_queue_name text,
    i_consumer_name text,
    i_provider_node text,
    i_tick_id bigint,
    i_paused boolean,
    i_uptodate boolean)
returns boolean as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._state_set(6)
--
--      Changes the state of a consumer, NULL keeps what is there. Not through
--      the view: workers are in replica role, in which its trigger does not
--      fire, and an update of it changes nothing without a word.
--
-- Returns:
--      false if there is no such consumer
-- ----------------------------------------------------------------------
declare
    _state record;
begin
    if i_tick_id is not null then
        select * into _state from pgq_node._state_lock(i_queue_name, i_consumer_name);
        if _state.id is null then
            return false;
        end if;
        if _state.tick is distinct from i_tick_id then
            perform pgq_node._state_put(_state.id, _state.seq, i_tick_id, _state.error);
        end if;
        if coalesce(i_provider_node, i_paused::text, i_uptodate::text) is null then
            return true;
        end if;
    end if;
    update pgq_node.local_consumer c
       set provider_node = coalesce(i_provider_node, c.provider_node),
           paused = coalesce(i_paused, c.paused),
           uptodate = coalesce(i_uptodate, c.uptodate)
     where c.queue_name = i_queue_name and c.consumer_name = i_consumer_name;
    return found;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_node._state_set(text, text, text, bigint, boolean, boolean) is 'internal: changes the state of a consumer';
