create or replace function pgq._subscription_write()
returns trigger as $$
-- ----------------------------------------------------------------------
-- Function: pgq._subscription_write(0)
--
--      Makes the view pgq.subscription writable: scripts that move a position
--      by hand, and upstream's pgq_coop, do so.
--
--      A table would look again at a row that was changed while the statement
--      waited for it. A trigger cannot, so such a statement fails, and does
--      not write what it made of an outdated position.
--
-- Errors:
--      serialization_failure
-- ----------------------------------------------------------------------
declare
    _reg_id bigint;
    _pos record;
begin
    if tg_op = 'INSERT' then
        insert into pgq.registration (sub_id, sub_queue, sub_consumer)
        values (new.sub_id, new.sub_queue, new.sub_consumer)
        returning reg_id into _reg_id;
        perform pgq._position_put(_reg_id, 0, new.sub_last_tick, new.sub_batch, new.sub_next_tick, new.sub_active);
        return new;
    end if;

    select r.reg_id into _reg_id
      from pgq.registration r
     where r.sub_queue = old.sub_queue and r.sub_consumer = old.sub_consumer
       for update;
    if not found then
        -- removed since the statement began: as with a table, the row is skipped
        return null;
    end if;
    select * into _pos from pgq._position(_reg_id);
    if (_pos.last_tick, _pos.active, _pos.batch, _pos.next_tick)
       is distinct from (old.sub_last_tick, old.sub_active, old.sub_batch, old.sub_next_tick)
    then
        raise exception 'could not serialize access due to concurrent change of a consumer position'
            using errcode = 'serialization_failure';
    end if;

    if tg_op = 'DELETE' then
        -- takes the next number too: who has an older snapshot fails by that
        perform pgq._position_put(_reg_id, _pos.pos_seq, _pos.last_tick, _pos.batch, _pos.next_tick);
        delete from pgq.registration where reg_id = _reg_id;
        return old;
    end if;

    if (new.sub_id, new.sub_queue, new.sub_consumer)
       is distinct from (old.sub_id, old.sub_queue, old.sub_consumer)
    then
        update pgq.registration
           set sub_id = new.sub_id, sub_queue = new.sub_queue, sub_consumer = new.sub_consumer
         where reg_id = _reg_id;
    end if;
    perform pgq._position_put(_reg_id, _pos.pos_seq, new.sub_last_tick, new.sub_batch, new.sub_next_tick, new.sub_active);
    return new;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq._subscription_write() is 'internal: INSTEAD OF trigger of pgq.subscription';

create or replace trigger subscription_write
    instead of insert or update or delete on pgq.subscription
    for each row execute function pgq._subscription_write();
