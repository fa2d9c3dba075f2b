create or replace function pgq_node._state_write()
returns trigger as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._state_write(0)
--
--      INSTEAD OF trigger that makes the view local_state behave as the table
--      that it was.
-- ----------------------------------------------------------------------
declare
    _state record;
    _id integer;
    _column text;
begin
    if tg_op <> 'DELETE' then
        _column := case
            when new.queue_name is null then 'queue_name'
            when new.consumer_name is null then 'consumer_name'
            when new.provider_node is null then 'provider_node'
            when new.last_tick_id is null then 'last_tick_id'
            when new.paused is null then 'paused'
            when new.uptodate is null then 'uptodate'
        end;
        if _column is not null then
            raise exception 'null value in column "%" of relation "local_state" violates not-null constraint', _column
                using errcode = 'not_null_violation', schema = 'pgq_node', table = 'local_state', column = _column;
        end if;
    end if;
    if tg_op = 'INSERT' then
        insert into pgq_node.local_consumer (queue_name, consumer_name, provider_node, paused, uptodate)
        values (new.queue_name, new.consumer_name, new.provider_node, new.paused, new.uptodate)
        returning lc_id into _id;
        perform pgq_node._state_put(_id, 0, new.last_tick_id, new.cur_error);
        return new;
    end if;

    select * into _state from pgq_node._state_lock(old.queue_name, old.consumer_name);
    if _state.id is null then
        -- removed since the statement began: as with a table, the row is skipped
        return null;
    end if;
    if tg_op = 'DELETE' then
        delete from pgq_node.local_position l where l.lc_id = _state.id and l.lp_seq > _state.seq - 200;
        delete from pgq_node.local_consumer c where c.lc_id = _state.id;
        return old;
    end if;
    if (new.last_tick_id, new.cur_error) is distinct from (old.last_tick_id, old.cur_error) then
        -- a table would compute the new value again, a trigger cannot
        if (_state.tick, _state.error) is distinct from (old.last_tick_id, old.cur_error) then
            raise exception 'could not serialize access due to concurrent update'
                using errcode = 'serialization_failure';
        end if;
        perform pgq_node._state_put(_state.id, _state.seq, new.last_tick_id, new.cur_error);
    end if;
    update pgq_node.local_consumer c
       set queue_name = new.queue_name, consumer_name = new.consumer_name, provider_node = new.provider_node,
           paused = new.paused, uptodate = new.uptodate
     where c.lc_id = _state.id
       and (c.queue_name, c.consumer_name, c.provider_node, c.paused, c.uptodate)
           is distinct from (new.queue_name, new.consumer_name, new.provider_node, new.paused, new.uptodate);
    return new;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_node._state_write() is 'internal: INSTEAD OF trigger of the view local_state';
