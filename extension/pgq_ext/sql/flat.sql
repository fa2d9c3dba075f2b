-- However many batches went by, few rows stay alive, and a call touches as few
-- pages as ever. All in one transaction, so nothing can be cleaned up meanwhile:
-- as bad as an old snapshot.
create function pages(query text) returns bigint as $$
declare
    plan jsonb;
begin
    execute 'explain (analyze, buffers, costs off, timing off, format json) ' || query into plan;
    return (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint
         + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
end;
$$ language plpgsql;
create function measure(n bigint, out set_batch bigint, out is_batch bigint, out set_tick bigint, out get_tick bigint) as $$
begin
    set_batch := pages(format('select pgq_ext.set_batch_done(''flat'', %s)', n));
    is_batch := pages(format('select pgq_ext.is_batch_done(''flat'', %s)', n));
    set_tick := pages(format('select pgq_ext.set_last_tick(''flat'', %s)', n));
    get_tick := pages('select pgq_ext.get_last_tick(''flat'')');
end;
$$ language plpgsql;

begin;
select count(pgq_ext.set_batch_done('flat', n)), count(pgq_ext.set_last_tick('flat', n)) from generate_series(1, 250) n;
select t.tr_kind, count(*), min(l.tr_seq), max(l.tr_seq)
  from pgq_ext.tracker t join pgq_ext.tracker_log l using (tr_id)
 where t.consumer_id = 'flat' group by 1 order by 1;

-- the first time also counts what the session reads into its caches
select measure(251) is not null as warm;
create temp table early as select * from measure(252);
select count(pgq_ext.set_batch_done('flat', n)), count(pgq_ext.set_last_tick('flat', n)) from generate_series(253, 20250) n;
create temp table late as select * from measure(20251);
select l.set_batch - e.set_batch <= 4 as set_batch, l.is_batch - e.is_batch <= 2 as is_batch,
       l.set_tick - e.set_tick <= 4 as set_tick, l.get_tick - e.get_tick <= 2 as get_tick
  from early e, late l;
commit;
drop function pages, measure;
