-- ----------------------------------------------------------------------
-- Takes the locks that NAME/upgrade/locks.sql has put into skytools.locks, an
-- array of statements that take one each, all or none. LOCK TABLE of a view would
-- lock all below it too, so for views it is a change of owner that changes
-- nothing.
--
-- Other sessions hold some of these and wait for others, in whatever order
-- their statements came by them. An attempt is over before deadlock_timeout, so
-- that no session but this one ever has to give up: it lets go of all and begins
-- again, each time with another one of the first three: best is the one that
-- the others take first too, since who queues up behind it then holds nothing
-- yet. For the first lock it waits longer each time, since transactions may take
-- long to end on a busy server: as long as it holds nothing, nobody is in a
-- deadlock with it. It gives up after a minute, or lock_timeout if that is set.
-- ----------------------------------------------------------------------

do $$
declare
    _locks text[] := pg_catalog.current_setting('skytools.locks')::text[];
    _setting constant text := pg_catalog.current_setting('lock_timeout');
    _end constant timestamptz := pg_catalog.clock_timestamp() + coalesce(nullif(_setting::interval, '0'), '1 minute');
    -- for all locks but the first, together
    _wait constant numeric := 400 * extract(epoch from pg_catalog.current_setting('deadlock_timeout')::interval);
    _first numeric := _wait;
    _until timestamptz;
    _lock text;
    _relation text;
    _who text;
begin
    loop
        begin
            _until := null;
            foreach _lock in array _locks loop
                perform pg_catalog.set_config('lock_timeout', greatest(1, pg_catalog.round(
                    coalesce(1000 * extract(epoch from _until - pg_catalog.clock_timestamp()), _first)))::text, true);
                execute _lock;
                _until := coalesce(_until, pg_catalog.clock_timestamp() + _wait * interval '1 millisecond');
            end loop;
            exit;
        exception
            when lock_not_available or deadlock_detected then
                null;
        end;
        if pg_catalog.clock_timestamp() > _end then
            _relation := pg_catalog.substring(_lock, '^(?:lock table|alter view) (.*) (?:in|owner to) ');
            select pg_catalog.string_agg(pg_catalog.format('%s (%s, %s for %s)', l.pid, coalesce(nullif(a.application_name, ''), a.backend_type),
                       a.state, pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.state_change)), ', ' order by a.xact_start)
              into _who
              from (select distinct k.pid
                      from pg_catalog.pg_locks k
                     where k.locktype = 'relation' and k.granted
                       and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
                       and k.relation = pg_catalog.to_regclass(_relation)
                       and k.pid <> pg_catalog.pg_backend_pid()) l
              left join pg_catalog.pg_stat_activity a on a.pid = l.pid;
            raise exception 'could not lock % for the upgrade; it is in use by process %', _relation, coalesce(_who, 'unknown')
                using errcode = 'lock_not_available',
                      hint = 'End these transactions, or set lock_timeout to the time that the upgrade may wait, and run it again.';
        end if;
        perform pg_catalog.pg_sleep(0.1 + 0.1 * pg_catalog.random());
        _first := least(1.25 * _first, 10 * _wait);
        _locks := _locks[2:3] || _locks[1] || _locks[4:];
    end loop;
    perform pg_catalog.set_config('lock_timeout', _setting, true);
end;
$$;
