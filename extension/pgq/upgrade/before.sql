-- ----------------------------------------------------------------------
-- Makes room for the structures and functions of 4.0 in a schema of 3.x.
-- upgrade/after.sql moves the data.
-- ----------------------------------------------------------------------

do $$
declare
    _it text;
    _detail text;
begin
    if (select c.relkind from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('pgq.subscription')) = 'r' then
        -- a view takes neither
        select pg_catalog.string_agg(x.what, ', ') into _it
          from (select 'trigger ' || t.tgname as what
                  from pg_catalog.pg_trigger t
                 where t.tgrelid = 'pgq.subscription'::regclass and not t.tgisinternal
                union all
                select 'column ' || a.attname
                  from pg_catalog.pg_attribute a
                 where a.attrelid = 'pgq.subscription'::regclass and a.attnum > 0 and not a.attisdropped
                   and a.attname not in ('sub_id', 'sub_queue', 'sub_consumer', 'sub_last_tick', 'sub_active', 'sub_batch', 'sub_next_tick')) x;
        if _it is not null then
            raise exception 'table pgq.subscription becomes a view and cannot keep what was added to it: %', _it
                using errcode = 'object_not_in_prerequisite_state', hint = 'Drop it before the upgrade.';
        end if;

        -- its names are wanted
        alter table pgq.subscription rename to _old_subscription;
        for _it in
            select pg_catalog.format('alter table pgq._old_subscription rename constraint %I to %I', c.conname, '_old_' || c.conname)
              from pg_catalog.pg_constraint c
             where c.conrelid = 'pgq._old_subscription'::regclass and c.contype in ('p', 'u')
        loop
            execute _it;
        end loop;
        alter sequence pgq.subscription_sub_id_seq owned by none;
        execute pg_catalog.format('alter sequence pgq.subscription_sub_id_seq owner to %I', current_user);

        alter table pgq.queue add column if not exists queue_extra_maint text[];
    end if;

    -- of all functions since 3.2, these alone got more columns
    for _it in
        select p.oid::regprocedure
          from pg_catalog.pg_proc p
         where p.pronamespace = pg_catalog.to_regnamespace('pgq')
           and p.proname = 'get_queue_info'
           and p.proargnames[p.pronargs + 1 : ] <> '{queue_name,queue_ntables,queue_cur_table,queue_rotation_period,queue_switch_time,
                queue_external_ticker,queue_ticker_paused,queue_ticker_max_count,queue_ticker_max_lag,queue_ticker_idle_period,
                ticker_lag,ev_per_sec,ev_new,last_tick_id}'
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
