create or replace function pgq._hold_tick(i_queue_id integer, i_tick_id bigint)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._hold_tick(2)
--
--      Keeps a tick until the end of the transaction, in which the caller
--      makes it a consumer's position. Rotation deletes the ticks whose events
--      it is about to truncate before it looks at the positions, so it sees
--      either this lock or the new position.
--
-- Errors:
--      cannot reposition, tick not found
-- ----------------------------------------------------------------------
begin
    perform 1 from pgq.tick t
     where t.tick_queue = i_queue_id and t.tick_id = i_tick_id
       for key share;
    if not found then
        perform pgq._assert_logs();
        raise exception 'cannot reposition, tick not found: %', i_tick_id;
    end if;
end;
$$ language plpgsql;
comment on function pgq._hold_tick(integer, bigint) is 'internal: keeps a tick until the end of the transaction';
