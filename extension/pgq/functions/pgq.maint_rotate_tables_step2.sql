create or replace function pgq.maint_rotate_tables_step2()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_rotate_tables_step2(0)
--
--      Second half of rotation, in a later transaction than the first: notes
--      that the rotation is visible to all, and looks which of the tables left
--      behind have no writer any more (pgq.event_table, et_drained). Whoever
--      writes to an event table holds a lock on it until he has ended.
--
-- Returns:
--      0
--
-- Errors:
--      active_sql_transaction: not in READ COMMITTED
-- ----------------------------------------------------------------------
declare
    _r record;
begin
    perform pgq._assert_read_committed('pgq.maint_rotate_tables_step2');
    update pgq.queue q
       set queue_switch_step2 = pg_catalog.txid_current()
      from (select l.queue_id from pgq.queue l
             where l.queue_switch_step2 is null
               for no key update skip locked) s
     where q.queue_id = s.queue_id;

    for _r in
        select et.et_queue, et.et_num, q.queue_data_pfx
          from pgq.event_table et
          join pgq.queue q on q.queue_id = et.et_queue
         where et.et_opened is not null
           and et.et_drained is null
           and et.et_num <> q.queue_cur_table
         order by et.et_queue, et.et_opened
           for no key update of et skip locked
    loop
        begin
            execute pg_catalog.format('lock table only %s in share mode nowait',
                pgq.quote_fqname(_r.queue_data_pfx || '_' || _r.et_num));
        exception
            when lock_not_available or undefined_table then
                continue;
        end;
        update pgq.event_table
           set et_drained = pg_catalog.txid_current()
         where et_queue = _r.et_queue and et_num = _r.et_num;
    end loop;
    return 0;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.maint_rotate_tables_step2()
    is 'Maintenance: second half of rotation, in a later transaction than the first';
