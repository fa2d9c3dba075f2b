create or replace function pgq.set_queue_config(x_queue_name text, x_param_name text, x_param_value text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.set_queue_config(3)
--
--      Changes a setting of a queue.
--
-- Parameters:
--      x_queue_name    - queue
--      x_param_name    - ticker_max_count, ticker_max_lag, ticker_idle_period,
--                        ticker_paused, rotation_period or external_ticker
--      x_param_value   - new value
--
-- Returns:
--      1
--
-- Errors:
--      Invalid NULL value
--      No such event queue
--      cannot change parameter
-- ----------------------------------------------------------------------
declare
    _rows integer;
begin
    if x_queue_name is null or x_param_name is null then
        raise exception 'Invalid NULL value';
    end if;
    if not exists (select 1 from pgq.queue q where q.queue_name = x_queue_name) then
        raise exception 'No such event queue';
    end if;
    if x_param_name not in ('ticker_max_count', 'ticker_max_lag', 'ticker_idle_period',
                            'ticker_paused', 'rotation_period', 'external_ticker')
    then
        -- the s behind the name is what clients have always seen
        raise exception 'cannot change parameter "%s"', x_param_name;
    end if;
    if x_param_value is null then
        raise exception 'query string argument of EXECUTE is null'
            using errcode = 'null_value_not_allowed';
    end if;

    execute pg_catalog.format('update pgq.queue set %I = %L where queue_name = %L',
        'queue_' || x_param_name, x_param_value, x_queue_name);
    get diagnostics _rows = row_count;
    if _rows = 0 then
        -- dropped while the update waited
        raise exception 'No such event queue';
    end if;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.set_queue_config(text, text, text) is 'Changes a setting of a queue';
