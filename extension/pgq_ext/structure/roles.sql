-- ----------------------------------------------------------------------
-- Roles that the grants name. pgq makes the same ones; a target database may
-- be in a cluster without pgq. Who has no CREATEROLE needs them made before.
-- ----------------------------------------------------------------------

do $$
declare
    _sql text;
begin
    for _sql in
        select c.sql
          from (values (1, 'pgq_reader', 'create role pgq_reader'),
                       (2, 'pgq_writer', 'create role pgq_writer'),
                       (3, 'pgq_admin', 'create role pgq_admin in role pgq_reader, pgq_writer')) as c (nr, role, sql)
         where not exists (select 1 from pg_catalog.pg_roles r where r.rolname = c.role)
         order by c.nr
    loop
        begin
            execute _sql;
        exception
            -- roles are shared by all databases: another install was faster
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end;
$$;
