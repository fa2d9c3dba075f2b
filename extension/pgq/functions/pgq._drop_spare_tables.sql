create or replace function pgq._drop_spare_tables(i_queue_id integer)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._drop_spare_tables(1)
--
--      Drops the event tables that were made over the usual three and are
--      free again, from the highest number down. The caller holds the queue's
--      row lock.
-- ----------------------------------------------------------------------
declare
    _table text;
    _num integer;
begin
    loop
        select pgq.quote_fqname(q.queue_data_pfx || '_' || et.et_num), et.et_num
          into _table, _num
          from pgq.queue q
          join pgq.event_table et on et.et_queue = q.queue_id and et.et_num = q.queue_ntables - 1
         where q.queue_id = i_queue_id
           and q.queue_ntables > 3
           and q.queue_cur_table <> et.et_num
           and et.et_opened is null;
        exit when not found;

        begin
            execute 'lock table ' || _table || ' in access exclusive mode nowait';
        exception
            when lock_not_available then
                exit;
        end;
        execute 'drop table ' || _table;
        delete from pgq.event_table where et_queue = i_queue_id and et_num = _num;
        update pgq.queue set queue_ntables = queue_ntables - 1 where queue_id = i_queue_id;
    end loop;
end;
$$ language plpgsql;
comment on function pgq._drop_spare_tables(integer) is 'internal: drops free event tables over the usual three';
