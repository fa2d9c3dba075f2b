create or replace function pgq_coop.next_batch(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.next_batch(3)
--
--      pgq_coop.next_batch_custom(7) without conditions and without takeover.
--
-- Returns:
--      batch id; NULL if there is nothing to do yet
-- ----------------------------------------------------------------------
begin
    return pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name,
                                      null, null, null, null);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.next_batch(text, text, text)
    is 'Opens a batch for a subconsumer; NULL: nothing to do yet';

create or replace function pgq_coop.next_batch(
    i_queue_name text,
    i_consumer_name text,
    i_subconsumer_name text,
    i_dead_interval interval)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop.next_batch(4)
--
--      pgq_coop.next_batch_custom(7) without conditions.
--
-- Returns:
--      batch id; NULL if there is nothing to do yet
-- ----------------------------------------------------------------------
begin
    return pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name,
                                      null, null, null, i_dead_interval);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop.next_batch(text, text, text, interval)
    is 'Opens a batch for a subconsumer, or takes over that of a dead one; NULL: nothing to do yet';
