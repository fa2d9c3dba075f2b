-- ----------------------------------------------------------------------
-- Takes the locks that NAME/upgrade/locks.sql has named in skytools.locks, an
-- array of 'RELATION in MODE mode', all or none.
--
-- Other sessions hold some of these and wait for others, in whatever order
-- their transactions came by them. Where the first one is waited for, that
-- holds up who comes later but hurts nobody; with one lock held, each wait is
-- shorter than deadlock_timeout, so that no session but this one ever has to
-- give up: it lets go of all and begins again, with the list turned round.
-- The waits grow, up to a minute in all, or lock_timeout if that is set.
-- ----------------------------------------------------------------------

do $$
declare
    _locks text[] := pg_catalog.current_setting('skytools.locks')::text[];
    _setting constant text := pg_catalog.current_setting('lock_timeout');
    _end constant timestamptz := pg_catalog.clock_timestamp() + coalesce(nullif(_setting::interval, '0'), '1 minute');
    _most constant numeric := 800 * extract(epoch from pg_catalog.current_setting('deadlock_timeout')::interval);
    _wait numeric := 100;   -- milliseconds
    _lock text;
    _relation text;
    _n integer;
    _who text;
begin
    loop
        begin
            _n := 0;
            foreach _lock in array _locks loop
                _n := _n + 1;
                perform pg_catalog.set_config('lock_timeout',
                    greatest(1, pg_catalog.round(case _n when 1 then _wait else least(_wait, _most) end))::text, true);
                execute 'lock table ' || _lock;
            end loop;
            exit;
        exception
            when lock_not_available or deadlock_detected then
                null;
        end;
        if pg_catalog.clock_timestamp() > _end then
            _relation := pg_catalog.split_part(_lock, ' in ', 1);
            select pg_catalog.string_agg(pg_catalog.format('%s (%s, %s for %s)', l.pid, coalesce(nullif(a.application_name, ''), a.backend_type),
                       a.state, pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.state_change)), ', ' order by a.xact_start)
              into _who
              from (select distinct k.pid
                      from pg_catalog.pg_locks k
                     where k.locktype = 'relation' and k.granted
                       and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
                       and k.relation = _relation::regclass
                       and k.pid <> pg_catalog.pg_backend_pid()) l
              left join pg_catalog.pg_stat_activity a on a.pid = l.pid;
            raise exception 'could not lock % for the upgrade; it is in use by process %', _relation, coalesce(_who, 'unknown')
                using errcode = 'lock_not_available',
                      hint = 'End these transactions, or set lock_timeout to the time that the upgrade may wait, and run it again.';
        end if;
        perform pg_catalog.pg_sleep(0.1 + 0.1 * pg_catalog.random());
        _wait := least(_wait * 1.5, 1000 * greatest(0, extract(epoch from _end - pg_catalog.clock_timestamp())) + 100, 5000);
        _locks := array(select l from pg_catalog.unnest(_locks) with ordinality u (l, n) order by n desc);
    end loop;
    perform pg_catalog.set_config('lock_timeout', _setting, true);
end;
$$;
