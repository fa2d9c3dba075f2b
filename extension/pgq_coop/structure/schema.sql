-- ----------------------------------------------------------------------
-- Cooperative consumers: the subconsumers of a main consumer M work on batches
-- of M side by side, each batch in one of them. No tables: all is in pgq's
-- registrations and position logs (pgq's structure/position.sql).
--
--   * A subconsumer S is the registration of a consumer named 'M.S' that has
--     M's sub_id. M's own is the older one, with the lower reg_id.
--   * M's position moves on when a batch is handed out. Until it is finished,
--     S's position holds its ticks, so that rotation keeps the events; an idle
--     S has none.
--   * Handing out, takeover and registration hold the lock of M's registration
--     row. Finishing takes only S's, so it never waits for a subconsumer that
--     opens its batch and works on it in one transaction.
--   * Locks are taken in the order M, S. That of a dead subconsumer is never
--     waited for: if it is held, that one is not dead.
-- ----------------------------------------------------------------------

do $$
begin
    if pg_catalog.to_regprocedure('pgq._position(bigint)') is null then
        raise exception 'pgq_coop 4.0 needs pgq 4.0'
            using errcode = 'object_not_in_prerequisite_state', hint = 'Install or upgrade pgq first.';
    end if;
end;
$$;

create schema if not exists pgq_coop;
comment on schema pgq_coop is 'PgQ: consumers that share the batches of one consumer';
