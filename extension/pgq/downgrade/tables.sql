-- ----------------------------------------------------------------------
-- Gives the tables the shape of 3.5.
-- ----------------------------------------------------------------------

alter view pgq.subscription rename to _old_subscription;

create table pgq.subscription (
    sub_id          integer     not null default pg_catalog.nextval('pgq.subscription_sub_id_seq'),
    sub_queue       integer     not null,
    sub_consumer    integer     not null,
    sub_last_tick   bigint,
    sub_active      timestamptz not null default pg_catalog.now(),
    sub_batch       bigint,
    sub_next_tick   bigint
);

insert into pgq.subscription (sub_id, sub_queue, sub_consumer, sub_last_tick, sub_active, sub_batch, sub_next_tick)
select s.sub_id, s.sub_queue, s.sub_consumer, s.sub_last_tick, s.sub_active, s.sub_batch, s.sub_next_tick
  from pgq._old_subscription s;

do $$
declare
    _view regclass;
    _it text;
    _detail text;
    _q record;
    _ntables integer;
    _previous integer;
    _num integer;
    _snapshot txid_snapshot;
begin
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

    -- as in upgrade/after.sql
    for _view in
        select distinct w.ev_class::regclass
          from pg_catalog.pg_depend d
          join pg_catalog.pg_rewrite w on w.oid = d.objid
          join pg_catalog.pg_class c on c.oid = w.ev_class
         where d.classid = 'pg_catalog.pg_rewrite'::regclass
           and d.refobjid = 'pgq._old_subscription'::regclass
           and c.relkind = 'v'
           and c.oid <> d.refobjid
    loop
        execute pg_catalog.format('alter extension pgq add view %s', _view);
        execute pg_catalog.format('create or replace view %s%s as %s', _view,
            (select ' with (' || pg_catalog.string_agg(o.option_name || '=' || pg_catalog.quote_literal(o.option_value), ', ') || ')'
               from pg_catalog.pg_class c, pg_catalog.pg_options_to_table(c.reloptions) o
              where c.oid = _view),
            pg_catalog.replace(pg_catalog.pg_get_viewdef(_view), '_old_subscription', 'subscription'));
        execute pg_catalog.format('alter extension pgq drop view %s', _view);
    end loop;
    begin
        drop view pgq._old_subscription;
    exception
        when dependent_objects_still_exist then
            get stacked diagnostics _detail = pg_exception_detail;
            raise exception 'view pgq.subscription becomes a table, and objects depend on the view'
                using errcode = 'dependent_objects_still_exist',
                      detail = pg_catalog.replace(_detail, 'pgq._old_subscription', 'pgq.subscription'),
                      hint = 'Drop these objects before and create them again after it.';
    end;

    -- 3.5 reads two tables, the current one and the one numbered before it. So
    -- all that some consumer has yet to read goes there, and tables over three
    -- go if they are not current themselves. Nobody has written what is not yet
    -- committed: all is of transactions older than this one, which is what
    -- queue_switch_step2 says. A writer that has only just looked up a table may
    -- hold its lock and wait for pgq.queue: then the table stays.
    for _q in select q.* from pgq.queue q order by q.queue_id loop
        _ntables := _q.queue_ntables;
        while _ntables > 3 and _ntables - 1 > _q.queue_cur_table loop
            begin
                execute pg_catalog.format('lock table %s in access exclusive mode nowait',
                    pgq.quote_fqname(_q.queue_data_pfx || '_' || _ntables - 1));
            exception
                when lock_not_available then
                    exit;
            end;
            _ntables := _ntables - 1;
        end loop;
        _previous := (_q.queue_cur_table - 1 + _ntables) % _ntables;
        select t.tick_snapshot into _snapshot
          from pgq.tick t
         where t.tick_queue = _q.queue_id
           and t.tick_id = (select min(s.sub_last_tick) from pgq.subscription s where s.sub_queue = _q.queue_id);
        for _num in
            select et.et_num
              from pgq.event_table et
             where et.et_queue = _q.queue_id and et.et_num not in (_q.queue_cur_table, _previous)
        loop
            execute pg_catalog.format(
                'with d as (delete from %s returning *)'
                ' insert into %s (ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
                ' select ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
                '   from d where not pg_catalog.txid_visible_in_snapshot(ev_txid, $1)',
                pgq.quote_fqname(_q.queue_data_pfx || '_' || _num), pgq.quote_fqname(_q.queue_data_pfx || '_' || _previous))
              using _snapshot;
            if _num >= _ntables then
                execute 'drop table ' || pgq.quote_fqname(_q.queue_data_pfx || '_' || _num);
            end if;
        end loop;
        update pgq.queue
           set queue_ntables = _ntables, queue_switch_step2 = pg_catalog.txid_current()
         where queue_id = _q.queue_id;
    end loop;

    -- an extension drops what pg_dump reads only after it was taken off the list
    foreach _it in array array['registration', 'position_0', 'position_1', 'position_state', 'event_table'] loop
        execute 'alter extension pgq drop table pgq.' || _it;
    end loop;
    alter extension pgq drop sequence pgq.registration_reg_id_seq;
    foreach _it in array array['queue_queue_id_seq', 'consumer_co_id_seq', 'subscription_sub_id_seq'] loop
        execute 'alter extension pgq drop sequence pgq.' || _it;
        execute 'alter extension pgq add sequence pgq.' || _it;
    end loop;

    for _it in
        select pg_catalog.format('comment on %s %s is null', case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass)
          from pg_catalog.pg_class c
         where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'S')
           and pg_catalog.obj_description(c.oid, 'pg_class') is not null
        union all
        select pg_catalog.format('comment on column %s.%I is null', c.oid::regclass, a.attname)
          from pg_catalog.pg_class c
          join pg_catalog.pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'pgq'::regnamespace and c.relkind = 'r'
           and pg_catalog.col_description(c.oid, a.attnum) is not null
    loop
        execute _it;
    end loop;
end;
$$;
comment on schema pgq is null;

alter sequence pgq.subscription_sub_id_seq owned by pgq.subscription.sub_id;
drop table pgq.position_0, pgq.position_1, pgq.position_state, pgq.event_table, pgq.registration;
alter table pgq.subscription
    add constraint subscription_pkey primary key (sub_queue, sub_consumer),
    add constraint subscription_batch_idx unique (sub_batch),
    add constraint sub_queue_fkey foreign key (sub_queue) references pgq.queue (queue_id),
    add constraint sub_consumer_fkey foreign key (sub_consumer) references pgq.consumer (co_id);
select pg_catalog.pg_extension_config_dump('pgq.subscription', '');
