create or replace function pgq.tune_storage(i_queue_name text)
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.tune_storage(1)
--
--      Sets the storage options of a queue's event tables: rows are never
--      changed, and space comes back by TRUNCATE, so there is nothing for
--      autovacuum to do.
--
-- Returns:
--      1, or 0 if there is no such queue
-- ----------------------------------------------------------------------
declare
    _table text;
begin
    if not exists (select 1 from pgq.queue q where q.queue_name = i_queue_name) then
        return 0;
    end if;
    for _table in
        select q.queue_data_pfx || '_' || et.et_num
          from pgq.queue q
          join pgq.event_table et on et.et_queue = q.queue_id
         where q.queue_name = i_queue_name
    loop
        execute 'alter table ' || pgq.quote_fqname(_table)
            || ' set (fillfactor = 100, autovacuum_enabled = off, toast.autovacuum_enabled = off)';
    end loop;
    return 1;
end;
$$ language plpgsql strict;
comment on function pgq.tune_storage(text) is 'Sets the storage options of a queue''s event tables';
