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
begin
    update pgq_node.local_state
       set last_tick_id = i_tick_id, cur_error = null
     where queue_name = i_queue_name and consumer_name = i_consumer_name;
    if found then
        ret_code := 100;
        ret_note := 'Consumer ' || i_consumer_name || ' completed tick = ' || i_tick_id;
    else
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_completed(text, text, bigint) is 'Stores the tick up to which a cascaded consumer has done all';
