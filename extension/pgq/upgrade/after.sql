-- ----------------------------------------------------------------------
-- Moves the data of 3.x into the structures of 4.0.
-- ----------------------------------------------------------------------

do $$
declare
    _extension constant boolean := exists (select from pg_catalog.pg_extension e where e.extname = 'pgq');
    _view regclass;
    _it text;
    _detail text;
begin
    if pg_catalog.to_regclass('pgq._old_subscription') is not null then
        -- Of those with one sub_id the main consumer must be the first; the
        -- names of its subconsumers begin with its own.
        insert into pgq.registration (sub_id, sub_queue, sub_consumer)
        select s.sub_id, s.sub_queue, s.sub_consumer
          from pgq._old_subscription s
          join pgq.consumer c on c.co_id = s.sub_consumer
         order by s.sub_id, pg_catalog.length(c.co_name), s.sub_consumer;

        insert into pgq.position_0 (reg_id, pos_seq, last_tick, active, batch, next_tick)
        select r.reg_id, 1, s.sub_last_tick, s.sub_active, s.sub_batch, s.sub_next_tick
          from pgq.registration r
          join pgq._old_subscription s on s.sub_queue = r.sub_queue and s.sub_consumer = r.sub_consumer;

        -- rights that somebody was given
        perform pgq._grant_perms_from('pgq', '_old_subscription', 'pgq', 'subscription');
        for _it in
            select pg_catalog.format('grant %s (%I) on pgq.subscription to %s%s', x.privilege_type, a.attname,
                       case x.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end,
                       case when x.is_grantable then ' with grant option' else '' end)
              from pg_catalog.pg_attribute a
             cross join lateral pg_catalog.aclexplode(a.attacl) x
             where a.attrelid = 'pgq._old_subscription'::regclass
        loop
            execute _it;
        end loop;

        -- Somebody's views go on, as the same objects. Their text names the
        -- table as it is called now. An extension's script may replace only
        -- what the extension owns.
        for _view in
            select distinct w.ev_class::regclass
              from pg_catalog.pg_depend d
              join pg_catalog.pg_rewrite w on w.oid = d.objid
              join pg_catalog.pg_class c on c.oid = w.ev_class
             where d.classid = 'pg_catalog.pg_rewrite'::regclass
               and d.refobjid = 'pgq._old_subscription'::regclass
               and c.relkind = 'v'
        loop
            if _extension then
                execute pg_catalog.format('alter extension pgq add view %s', _view);
            end if;
            execute pg_catalog.format('create or replace view %s%s as %s', _view,
                (select ' with (' || pg_catalog.string_agg(o.option_name || '=' || pg_catalog.quote_literal(o.option_value), ', ') || ')'
                   from pg_catalog.pg_class c, pg_catalog.pg_options_to_table(c.reloptions) o
                  where c.oid = _view),
                pg_catalog.replace(pg_catalog.pg_get_viewdef(_view), '_old_subscription', 'subscription'));
            if _extension then
                execute pg_catalog.format('alter extension pgq drop view %s', _view);
            end if;
        end loop;

        if _extension then
            -- also takes it off the list of tables that pg_dump reads
            alter extension pgq drop table pgq._old_subscription;
        end if;
        begin
            drop table pgq._old_subscription;
        exception
            when dependent_objects_still_exist then
                get stacked diagnostics _detail = pg_exception_detail;
                raise exception 'table pgq.subscription becomes a view, and objects depend on the table'
                    using errcode = 'dependent_objects_still_exist',
                          detail = pg_catalog.replace(_detail, 'pgq._old_subscription', 'pgq.subscription'),
                          hint = 'Drop these objects before the upgrade and create them again after it.';
        end;
    end if;

    -- 3.x reads the current event table and the one before it. Whatever it
    -- knows, a table that is not current may hold events, and somebody may
    -- write to it still: none is taken for free or drained, and all are read
    -- until pgq.maint_rotate_tables_step2() has found them complete. The
    -- numbers in et_opened are below all transaction ids and tell the order.
    insert into pgq.event_table (et_queue, et_num, et_opened)
    select q.queue_id, n.num, (n.num - q.queue_cur_table - 1 + q.queue_ntables) % q.queue_ntables
      from pgq.queue q
     cross join lateral pg_catalog.generate_series(0, q.queue_ntables - 1) n (num)
     where not exists (select from pgq.event_table et where et.et_queue = q.queue_id)
       and pg_catalog.to_regclass(pgq.quote_fqname(q.queue_data_pfx || '_' || n.num)) is not null;
end;
$$;
