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
    if i_uptodate is null
       and exists (select 1 from pgq_node.local_state s where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name)
    then
        raise exception 'null value in column "uptodate" of relation "local_state" violates not-null constraint'
            using errcode = 'not_null_violation', schema = 'pgq_node', table = 'local_state', column = 'uptodate';
    end if;
    if pgq_node._state_set(i_queue_name, i_consumer_name, null, null, null, i_uptodate) then
        ret_code := 200;
        ret_note := 'Consumer uptodate = ' || i_uptodate::integer;
    else
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_uptodate(text, text, boolean) is 'A cascaded consumer has seen the last change of its state';
