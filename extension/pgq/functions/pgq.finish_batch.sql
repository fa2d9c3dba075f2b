create function pgq.finish_batch(x_batch_id bigint)
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
    _b record;
    _locked bigint;
begin
    loop
        select * into _b from pgq._batch(x_batch_id);
        if _b.reg_id is null then
            raise warning 'finish_batch: batch % not found', x_batch_id;
            return 0;
        end if;
        -- a takeover may have moved it to another registration meanwhile
        exit when _b.reg_id = _locked;
        perform 1 from pgq.registration r where r.reg_id = _b.reg_id for no key update;
        _locked := _b.reg_id;
    end loop;
    perform pgq._position_put(_b.reg_id, _b.pos_seq, _b.cur_tick, null, null);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.finish_batch(bigint) is 'Closes a batch: the position of its consumer moves to its end';
