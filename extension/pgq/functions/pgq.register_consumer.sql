create or replace function pgq.register_consumer(x_queue_name text, x_consumer_id text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.register_consumer(2)
--
--      Registers a consumer on a queue, after its newest tick.
--
-- Returns:
--      1 - registered
--      0 - was registered already
-- ----------------------------------------------------------------------
begin
    return pgq.register_consumer_at(x_queue_name, x_consumer_id, null);
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.register_consumer(text, text) is 'Registers a consumer on a queue; 0: was registered already';
