-- Event tables without the rights of pgq.event_template, and roles.
with want as (
    select g.grantee, g.privilege_type
      from pg_catalog.pg_class c
     cross join lateral pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) g
     where c.oid = 'pgq.event_template'::regclass
       and g.grantee <> c.relowner
), parent as (
    select q.queue_name, c.oid
      from pgq.queue q
      join pg_catalog.pg_class c on c.relname = split_part(q.queue_data_pfx, '.', 2)
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = split_part(q.queue_data_pfx, '.', 1)
), tab as (
    select queue_name, oid from parent
    union all
    select p.queue_name, h.inhrelid from parent p join pg_catalog.pg_inherits h on h.inhparent = p.oid
), lack as (
    select tab.queue_name, c.relname,
           pg_catalog.string_agg(want.privilege_type || ' for '
               || case want.grantee when 0 then 'public' else pg_catalog.pg_get_userbyid(want.grantee) end, ', '
               order by want.privilege_type, want.grantee) as what
      from tab
      join pg_catalog.pg_class c on c.oid = tab.oid
     cross join want
     where not exists (
            select from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) g
             where g.grantee = want.grantee and g.privilege_type = want.privilege_type)
     group by tab.queue_name, c.relname
)
select 'queue ' || queue_name, relname || ' lacks ' || what, pg_catalog.format('select pgq.grant_perms(%L)', queue_name)
  from lack
union all
select 'role ' || r.name, 'the role is missing', 'select pgq.upgrade_schema()'
  from pg_catalog.unnest(array['pgq_reader', 'pgq_writer', 'pgq_admin']) r (name)
 where not exists (select from pg_catalog.pg_roles p where p.rolname = r.name)
 order by 1, 2
