-- What everybody may see of queues, which monitoring and our programs rely on.
select 'schema pgq', 'lacks USAGE for public', 'grant usage on schema pgq to public'
  from pg_catalog.pg_namespace n
 where n.nspname = 'pgq'
   and not exists (select from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) g
                    where g.grantee = 0 and g.privilege_type = 'USAGE')
union all
select 'relation ' || c.oid::regclass, 'lacks SELECT for public',
       pg_catalog.format('grant select on %s to public', c.oid::regclass)
  from pg_catalog.pg_class c
 where (c.oid in ('pgq.queue'::regclass, 'pgq.tick'::regclass, 'pgq.consumer'::regclass, 'pgq.subscription'::regclass)
        or c.relkind = 'S' and exists (
            select from pgq.queue q
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where n.nspname || '.' || c.relname in (q.queue_event_seq, q.queue_tick_seq)))
   and not exists (select from pg_catalog.aclexplode(coalesce(c.relacl,
                       pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) g
                    where g.grantee = 0 and g.privilege_type = 'SELECT')
 order by 1, 2
