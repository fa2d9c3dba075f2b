create or replace function pgq_ext.set_last_tick(a_consumer text, a_subconsumer text, a_tick_id bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_last_tick(3)
--
--      Stores the tick up to which the consumer has done all. Call it in the
--      transaction of the effects.
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
--      a_tick_id       - tick id from the queue's database; NULL forgets the
--                        consumer's position
-- Returns:
--      1
-- ----------------------------------------------------------------------
declare
    _tr record;
begin
    select * into _tr from pgq_ext._tracker_lock('tick', a_consumer, a_subconsumer);
    if _tr.seq = 0 or _tr.value is distinct from a_tick_id then
        perform pgq_ext._tracker_put(_tr.id, _tr.seq, a_tick_id);
    end if;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.set_last_tick(text, text, bigint)
    is 'Store the last tick that the consumer has done, NULL forgets it (with subconsumer)';

create or replace function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.set_last_tick(2)
--
--      pgq_ext.set_last_tick(3) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.set_last_tick(a_consumer, '', a_tick_id);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.set_last_tick(text, bigint)
    is 'Store the last tick that the consumer has done, NULL forgets it';
