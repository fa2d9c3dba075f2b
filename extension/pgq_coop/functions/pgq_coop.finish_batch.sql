create or replace function pgq_coop.finish_batch(i_batch_id bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.finish_batch(1)
--
--      Closes the batch of a subconsumer. Doing it twice is harmless.
--
--      The id is all that it goes by, and a batch keeps its id when it is taken
--      over: a subconsumer that was taken for dead closes it under its new
--      owner. pgq_coop.finish_own_batch() does not.
--
-- Parameters:
--      i_batch_id  - batch id
--
-- Returns:
--      1 - closed
--      0 - no subconsumer has such a batch open; with a warning
-- ----------------------------------------------------------------------
declare
    _b record;
    _locked bigint;
begin
    loop
        select * into _b from pgq._batch(i_batch_id);
        -- also not for that of a consumer without subconsumers, or a main one
        if _b.reg_id is null
           or not exists (select 1 from pgq.registration m
                           where m.sub_id = _b.sub_id and m.reg_id < _b.reg_id)
        then
            raise warning 'coop_finish_batch: batch % not found', i_batch_id;
            return 0;
        end if;
        -- it may have been taken over while this waited for the lock
        exit when _b.reg_id = _locked;
        perform 1 from pgq.registration r where r.reg_id = _b.reg_id for no key update;
        _locked := _b.reg_id;
    end loop;
    perform pgq._position_put(_b.reg_id, _b.pos_seq, null, null, null);
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.finish_batch(bigint) is 'Closes the batch of a subconsumer';
