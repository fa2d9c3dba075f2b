create or replace function pgq_node.set_consumer_paused(
    i_queue_name text,
    i_consumer_name text,
    i_paused boolean,
    out ret_code integer,
    out ret_note text)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.set_consumer_paused(3)
--
--      Asks a cascaded consumer to pause or to go on. It has seen that once it is
--      up to date.
--
-- Returns:
--      200 - asked
--      201 - that was asked before
--      404 - unknown consumer
-- ----------------------------------------------------------------------
declare
    _old boolean;
    _word text := case when i_paused then 'paused' else 'resumed' end;
begin
    perform 1 from pgq_node.local_state where queue_name = i_queue_name and consumer_name = i_consumer_name for update;
    select s.paused into _old
      from pgq_node.local_state s
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown consumer: ' || i_consumer_name;
        return;
    end if;
    if _old = i_paused then
        ret_code := 201;
        ret_note := 'Consumer ' || i_consumer_name || ' already ' || _word;
        return;
    end if;
    if i_paused is null then
        raise exception 'null value in column "paused" of relation "local_state" violates not-null constraint'
            using errcode = 'not_null_violation', schema = 'pgq_node', table = 'local_state', column = 'paused';
    end if;
    perform pgq_node._state_set(i_queue_name, i_consumer_name, null, null, i_paused, false);
    ret_code := 200;
    ret_note := 'Consumer ' || i_consumer_name || ' tagged as ' || _word;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.set_consumer_paused(text, text, boolean) is 'Asks a cascaded consumer to pause or to go on';
