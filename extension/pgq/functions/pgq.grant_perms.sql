create or replace function pgq.grant_perms(x_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.grant_perms(1)
--
--      Gives everybody on a queue's event tables the rights that they have on
--      pgq.event_template.
--
-- Returns:
--      1
--
-- Errors:
--      Queue not found
-- ----------------------------------------------------------------------
declare
    _pfx text;
    _table text;
begin
    select q.queue_data_pfx into _pfx from pgq.queue q where q.queue_name = x_queue_name;
    if not found then
        raise exception 'Queue not found';
    end if;
    for _table in
        select _pfx
        union all
        select _pfx || '_' || et.et_num
          from pgq.event_table et
          join pgq.queue q on q.queue_id = et.et_queue
         where q.queue_name = x_queue_name
    loop
        perform pgq._grant_perms_from('pgq', 'event_template',
            pg_catalog.split_part(_table, '.', 1), pg_catalog.split_part(_table, '.', 2));
    end loop;
    return 1;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.grant_perms(text) is 'Gives everybody on a queue''s event tables the rights that they have on pgq.event_template';
