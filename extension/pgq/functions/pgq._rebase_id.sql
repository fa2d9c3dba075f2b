create or replace function pgq._rebase_id(i_id bigint, i_base bigint, i_xmax bigint[], i_open bigint[], i_open_tick integer[])
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq._rebase_id(5)
--
--      The new id for an old one, see pgq.rebase(): base, plus the number of
--      ticks that do not see it.
--
-- Parameters:
--      i_id            - old id; NULL and 0 stay
--      i_xmax          - end of each tick's snapshot, in order
--      i_open          - ids that were open at some tick
--      i_open_tick     - for each of them, number of the first tick that sees it
-- ----------------------------------------------------------------------
    select case when i_id = 0 then 0
                else i_base + coalesce(
                    i_open_tick[pg_catalog.array_position(i_open, i_id)] - 1,
                    pg_catalog.width_bucket(i_id, i_xmax), 0)
           end
     where i_id is not null;
$$ language sql;
comment on function pgq._rebase_id(bigint, bigint, bigint[], bigint[], integer[]) is 'internal: new transaction id of pgq.rebase()';
