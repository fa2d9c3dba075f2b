create or replace function pgq_node.set_consumer_completed(
    i_queue_name text,
    i_consumer_name text,
    i_tick_id bigint,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_consumer_completed(3)
--
--      Stores the tick up to which a cascaded consumer has done all, and clears
--      its error. Call it in the transaction of the effects.
--
-- Returns:
--      100 - noted
--      404 - unknown consumer
-- ----------------------------------------------------------------------
declare
    _state record;
begin
    select * into _state from pgq_node._state_lock(i_queue_name, i_consumer_name);
    if _state.id is null then
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
        return;
    end if;
    if (_state.tick, _state.error) is distinct from (i_tick_id, null::text) then
        perform pgq_node._state_put(_state.id, _state.seq, i_tick_id, null);
    end if;
    ret_code := 100;
    ret_note := 'Consumer ' || i_consumer_name || ' completed tick = ' || i_tick_id;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_completed(text, text, bigint) is 'Stores the tick up to which a cascaded consumer has done all';
