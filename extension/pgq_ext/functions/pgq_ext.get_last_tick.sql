create or replace function pgq_ext.get_last_tick(a_consumer text, a_subconsumer text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.get_last_tick(2)
--
--      Last tick that the consumer has stored by pgq_ext.set_last_tick().
--
-- Parameters:
--      a_consumer      - consumer name
--      a_subconsumer   - subconsumer name
-- Returns:
--      tick id, or NULL if there is none
-- ----------------------------------------------------------------------
begin
    return (
        select t.last_tick_id
          from pgq_ext.completed_tick t
         where t.consumer_id = a_consumer
           and t.subconsumer_id = a_subconsumer);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext.get_last_tick(text, text)
    is 'Last tick that the consumer has done, NULL if none (with subconsumer)';

create or replace function pgq_ext.get_last_tick(a_consumer text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.get_last_tick(1)
--
--      pgq_ext.get_last_tick(2) for a consumer without subconsumers.
-- ----------------------------------------------------------------------
begin
    return pgq_ext.get_last_tick(a_consumer, '');
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.get_last_tick(text) is 'Last tick that the consumer has done, NULL if none';
