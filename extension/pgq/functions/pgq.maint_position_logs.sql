create or replace function pgq.maint_position_logs()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq.maint_position_logs(0)
--
--      Keeps the logs of consumer positions short: carries the newest position
--      of each registration out of the log that is not current, truncates it,
--      and makes it current if the other one has grown over 1 MB.
--
--      Never waits: a registration in use is left for the next call, and so is
--      a log that somebody reads.
--
-- Returns:
--      1 - the logs were switched, call again to empty the old one
--      0 - nothing more to do now
--
-- Errors:
--      active_sql_transaction: not in READ COMMITTED
-- ----------------------------------------------------------------------
declare
    _cur integer;
    _log regclass;
    _other regclass;
    _full boolean;
    _left boolean;
    _reg_id bigint;
    _pos record;
begin
    perform pgq._assert_read_committed('pgq.maint_position_logs');
    -- one at a time; the row must exist to be locked
    insert into pgq.position_state (cur) values (0) on conflict do nothing;
    select s.cur into _cur from pgq.position_state s for no key update skip locked;
    if not found then
        return 0;
    end if;

    _log := pg_catalog.format('pgq.position_%s', _cur);
    _other := pg_catalog.format('pgq.position_%s', 1 - _cur);
    _full := pg_catalog.pg_relation_size(_log) >= 1048576;
    if not _full and pg_catalog.pg_relation_size(_other) = 0 then
        return 0;
    end if;

    for _reg_id in execute pg_catalog.format(
        'select r.reg_id from pgq.registration r
          where not exists (select 1 from %s c where c.reg_id = r.reg_id)
          order by r.reg_id for no key update of r skip locked', _log)
    loop
        select * into _pos from pgq._position(_reg_id);
        if _pos.pos_seq is not null then
            perform pgq._position_put(_reg_id, _pos.pos_seq, _pos.last_tick, _pos.batch, _pos.next_tick, _pos.active);
        end if;
    end loop;

    begin
        execute pg_catalog.format('lock table %s in access exclusive mode nowait', _other);
    exception
        when lock_not_available then
            return 0;
    end;

    -- under that lock nobody writes there: what was not carried over, stays
    execute pg_catalog.format(
        'select exists (
            select 1 from pgq.registration r
             where exists (select 1 from %s o where o.reg_id = r.reg_id)
               and not exists (select 1 from %s c where c.reg_id = r.reg_id))', _other, _log)
       into _left;
    if _left then
        return 0;
    end if;

    execute pg_catalog.format('truncate %s', _other);
    -- changed in any case: pgq._assert_logs() looks at that
    update pgq.position_state set cur = case when _full then 1 - _cur else _cur end;
    return _full::integer;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq.maint_position_logs() is 'Maintenance: keeps the logs of consumer positions short; 1 means call again';
