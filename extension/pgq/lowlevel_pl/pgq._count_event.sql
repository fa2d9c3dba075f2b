create or replace function pgq._count_event(i_queue_name text, i_queue_id integer, i_table integer, i_limit integer, i_count integer)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._count_event(5)
--
--      Counts events of the current transaction against the queue's limit.
--      The counter is a setting of the session, marked with the transaction
--      and the event table that it counts for.
--
-- Errors:
--      Queue allows max n events from one TX
-- ----------------------------------------------------------------------
declare
    _name text := 'pgq.tx_events_' || i_queue_id;
    _mark text := pg_catalog.txid_current() || ':' || i_table || ':';
    _value text := pg_catalog.current_setting(_name, true);
    _count bigint := i_count;
begin
    if pg_catalog.starts_with(_value, _mark) then
        _count := i_count + pg_catalog.substr(_value, pg_catalog.length(_mark) + 1)::bigint;
    end if;
    perform pg_catalog.set_config(_name, _mark || _count, false);
    if _count > i_limit then
        raise exception 'Queue ''%'' allows max % events from one TX', i_queue_name, i_limit;
    end if;
end;
$$ language plpgsql;
comment on function pgq._count_event(text, integer, integer, integer, integer) is 'internal: counts events against the limit of its transaction';
