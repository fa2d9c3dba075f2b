-- get_node_info() alone got more columns over time
do $$
declare
    _it regprocedure;
    _detail text;
begin
    for _it in
        select p.oid::regprocedure
          from pg_catalog.pg_proc p
         where p.pronamespace = pg_catalog.to_regnamespace('pgq_node')
           and p.proname = 'get_node_info'
           and p.proargnames[p.pronargs + 1 : ] <> '{ret_code,ret_note,node_type,node_name,global_watermark,local_watermark,provider_node,
                provider_location,combined_queue,combined_type,worker_name,worker_paused,worker_uptodate,worker_last_tick,node_attrs,target_for}'
    loop
        begin
            execute 'drop function ' || _it;
        exception
            when dependent_objects_still_exist then
                get stacked diagnostics _detail = pg_exception_detail;
                raise exception 'function % gets other columns, and objects depend on it', _it
                    using errcode = 'dependent_objects_still_exist', detail = _detail,
                          hint = 'Drop these objects before the upgrade and create them again after it.';
        end;
    end loop;
end;
$$;
