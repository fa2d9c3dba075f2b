-- Databases that can be connected to, and whether we may. An interrupted DROP
-- DATABASE leaves one behind that cannot (datconnlimit -2).
select datname::text, pg_catalog.has_database_privilege(oid, 'connect')
  from pg_catalog.pg_database
 where not datistemplate
   and datallowconn
   and datconnlimit <> -2
 order by datname
