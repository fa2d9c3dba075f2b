create or replace function pgq.version()
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq.version(0)
--
--      Version of the schema; pgqd and other clients check it.
-- ----------------------------------------------------------------------
    select '4.0'::text;
$$ language sql stable;
comment on function pgq.version() is 'Version of schema pgq';
