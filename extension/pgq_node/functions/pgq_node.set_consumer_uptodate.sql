create or replace function pgq_node.set_consumer_uptodate(
    i_queue_name text,
    i_consumer_name text,
    i_uptodate boolean,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_consumer_uptodate(3)
--
--      The consumer's word that it has seen the last change of its state.
--
-- Returns:
--      200 - noted
--      404 - unknown consumer
-- ----------------------------------------------------------------------
begin
    update pgq_node.local_state
       set uptodate = i_uptodate
     where queue_name = i_queue_name and consumer_name = i_consumer_name;
    if found then
        ret_code := 200;
        ret_note := 'Consumer uptodate = ' || i_uptodate::integer;
    else
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_uptodate(text, text, boolean) is 'A cascaded consumer has seen the last change of its state';
