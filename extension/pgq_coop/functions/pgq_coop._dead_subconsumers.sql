create or replace function pgq_coop._dead_subconsumers(i_main bigint, i_own bigint, i_dead_interval interval)
returns setof bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop._dead_subconsumers(3)
--
--      Other subconsumers that have not been seen for i_dead_interval: first
--      those that have a batch open, which waits to be done, then the idle
--      ones; each sort by how long it has been silent.
--
-- Parameters:
--      i_main          - registration of the main consumer
--      i_own           - registration of the subconsumer that asks
--      i_dead_interval - NULL: nobody is dead
--
-- Returns:
--      registrations
-- ----------------------------------------------------------------------
begin
    return query
        select r.reg_id
          from pgq.registration m
          join pgq.registration r on r.sub_id = m.sub_id and r.sub_queue = m.sub_queue
         cross join lateral pgq._position(r.reg_id) p
         where m.reg_id = i_main
           and r.reg_id not in (i_main, i_own)
           and p.active < pg_catalog.now() - i_dead_interval
         order by p.batch is null, p.active, r.reg_id;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop._dead_subconsumers(bigint, bigint, interval)
    is 'internal: subconsumers that have not been seen for a while';
