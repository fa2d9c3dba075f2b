create or replace function pgq_node.set_consumer_error(
    i_queue_name text,
    i_consumer_name text,
    i_error_msg text,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_consumer_error(3)
--
--      Shows an error of a cascaded consumer; NULL clears it.
--
-- Returns:
--      100 - noted
--      101 - unknown consumer
-- ----------------------------------------------------------------------
declare
    _state record;
begin
    select * into _state from pgq_node._state_lock(i_queue_name, i_consumer_name);
    if _state.id is null then
        ret_code := 101;
        ret_note := 'Consumer not known, ignoring: ' || i_queue_name || '/' || i_consumer_name;
        return;
    end if;
    if _state.error is distinct from i_error_msg then
        perform pgq_node._state_put(_state.id, _state.seq, _state.tick, i_error_msg);
    end if;
    ret_code := 100;
    ret_note := 'Consumer ' || i_consumer_name || ' error = ' || i_error_msg;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_error(text, text, text) is 'Shows an error of a cascaded consumer; NULL clears it';
