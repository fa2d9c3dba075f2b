-- The contract's surface: functions, grants, comments. And a queue for the
-- tests after this one, which ticks whenever it is asked to.
set client_min_messages = warning;
create extension pgq_coop cascade;
reset client_min_messages;

select pgq_coop.version() = x.extversion as version_is_the_extension_s
  from pg_extension x where x.extname = 'pgq_coop';

select p.oid::regprocedure as function, p.prosecdef as definer,
       has_function_privilege('pgq_reader', p.oid, 'execute') as reader,
       has_function_privilege('pgq_writer', p.oid, 'execute') as writer,
       has_function_privilege('pgq_admin', p.oid, 'execute') as admin
  from pg_proc p
 where p.pronamespace = 'pgq_coop'::regnamespace
 order by p.oid::regprocedure::text collate "C";
select p.oid::regprocedure as function from pg_proc p
 where p.pronamespace = 'pgq_coop'::regnamespace and obj_description(p.oid, 'pg_proc') is null;
select has_schema_privilege('public', 'pgq_coop', 'usage') as schema_is_public;
select extconfig from pg_extension where extname = 'pgq_coop';

-- an event, and the tick that closes it off
create procedure tick(data text default 'x') as $$
begin
    perform pgq.insert_event('q', 'test', data);
    commit;
    perform pgq.force_tick('q');
    perform pgq.ticker('q');
end;
$$ language plpgsql;
-- the registrations of main consumer m, without what differs from run to run
create view subs as
    select c.co_name, s.sub_id = first_value(s.sub_id) over (order by s.sub_id) as shared,
           s.sub_last_tick as last_tick, s.sub_batch as batch, s.sub_next_tick as next_tick
      from pgq.subscription s join pgq.consumer c on c.co_id = s.sub_consumer
     order by c.co_name collate "C";
select pgq.create_queue('q');
