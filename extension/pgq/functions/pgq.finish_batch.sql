create or replace function pgq.finish_batch(x_batch_id bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.finish_batch(1)
--
--      Closes a batch: the consumer's position moves to its end.
--      Doing it twice is harmless.
--
-- Returns:
--      1 - closed
--      0 - no such batch is open; with a warning
-- ----------------------------------------------------------------------
declare
    _reg_id bigint;
    _sub_id integer;
    _pos record;
begin
    loop
        select b.reg_id, b.sub_id into _reg_id, _sub_id from pgq._batch(x_batch_id) b;
        if _reg_id is null then
            raise warning 'finish_batch: batch % not found', x_batch_id;
            return 0;
        end if;
        perform 1 from pgq.registration r where r.reg_id = _reg_id for no key update;
        -- removed, finished or taken over while the lock was waited for
        continue when not found;
        select * into _pos from pgq._position(_reg_id);
        exit when _pos.batch = x_batch_id;
    end loop;
    -- a subconsumer, which belongs to pgq_coop.finish_batch(), has no position
    -- of its own; one left here would hold up rotation
    if exists (select 1 from pgq.registration r where r.sub_id = _sub_id and r.reg_id < _reg_id) then
        _pos.next_tick := null;
    end if;
    perform pgq._position_put(_reg_id, _pos.pos_seq, _pos.next_tick, null, null);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.finish_batch(bigint) is 'Closes a batch: the position of its consumer moves to its end';
