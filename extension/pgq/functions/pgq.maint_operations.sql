create or replace function pgq.maint_operations(out func_name text, out func_arg text)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_operations(0)
--
--      What the maintenance daemon is to do now, in this order. Each entry is
--      a function, to be called in a transaction of its own with the argument
--      if there is one, and again while its result is a number that is not 0;
--      or "vacuum" and a table.
-- ----------------------------------------------------------------------
declare
    _steps integer := 0;
begin
    for func_name, func_arg in
        select 'pgq.maint_rotate_tables_step1', q.queue_name
          from pgq.queue q
         where q.queue_rotation_period is not null
           and q.queue_switch_step2 is not null
           and q.queue_switch_time + q.queue_rotation_period < current_timestamp
         order by q.queue_name
    loop
        _steps := _steps + 1;
        return next;
    end loop;

    if _steps > 0
       or exists (select 1 from pgq.queue q where q.queue_switch_step2 is null)
       or exists (select 1
                    from pgq.event_table et
                    join pgq.queue q on q.queue_id = et.et_queue
                   where et.et_num <> q.queue_cur_table
                     and et.et_opened is not null
                     and et.et_drained is null)
    then
        func_name := 'pgq.maint_rotate_tables_step2';
        func_arg := null;
        return next;
    end if;

    for func_name, func_arg in
        select f.name, q.queue_name
          from pgq.queue q
         cross join lateral pg_catalog.unnest(q.queue_extra_maint) with ordinality f (name, pos)
         order by q.queue_name, f.pos
    loop
        return next;
    end loop;

    func_arg := null;
    if pg_catalog.pg_relation_size('pgq.position_0') + pg_catalog.pg_relation_size('pgq.position_1') >= 1048576 then
        func_name := 'pgq.maint_position_logs';
        return next;
    end if;
    if pg_catalog.pg_relation_size('pgq.tick') >= 1048576
       or pg_catalog.pg_relation_size('pgq.retry_queue') >= 1048576
    then
        func_name := 'pgq.maint_compact_tables';
        return next;
    end if;

    for func_name, func_arg in
        select 'vacuum', t from pgq.maint_tables_to_vacuum() t
    loop
        return next;
    end loop;

    -- parts of the family that may not be installed
    if pg_catalog.to_regproc('pgq_node.maint_watermark') is not null then
        for func_name, func_arg in
            execute 'select ''pgq_node.maint_watermark'', n.queue_name from pgq_node.node_info n'
                 || ' where n.node_type = ''root'' order by n.queue_name'
        loop
            return next;
        end loop;
    end if;
    if pg_catalog.to_regproc('londiste.root_check_seqs') is not null then
        for func_name, func_arg in
            execute 'select distinct ''londiste.root_check_seqs'', s.queue_name'
                 || ' from londiste.seq_info s join pgq_node.node_info n on n.queue_name = s.queue_name'
                 || ' where s.local and n.node_type = ''root'' order by 2'
        loop
            return next;
        end loop;
    end if;
    if pg_catalog.to_regproc('londiste.periodic_maintenance') is not null then
        func_name := 'londiste.periodic_maintenance';
        func_arg := null;
        return next;
    end if;
end;
$$ language plpgsql;
comment on function pgq.maint_operations() is 'What the maintenance daemon is to do now: functions and tables to vacuum, in order';
