create or replace function pgq._position(
    in i_reg_id bigint,
    out pos_seq bigint,
    out last_tick bigint,
    out active timestamptz,
    out batch bigint,
    out next_tick bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq._position(1)
--
--      Newest position of a registration. See structure/position.sql for why
--      a row in the current log needs no look at the other one, which leaves
--      that one free of locks for its TRUNCATE.
--
--      Volatile, so that each statement has its own snapshot: a caller that
--      has just waited for the registration's lock sees what the lock's last
--      holder wrote.
--
-- Returns:
--      all NULL if there is no such registration; without its lock also if
--      pgq.maint_position_logs() has just carried the position from the log
--      looked at last into the one looked at first
--
-- Errors:
--      serialization_failure: a log was truncated after the transaction's
--      snapshot
-- ----------------------------------------------------------------------
begin
    if exists (select 1 from pgq.position_state s where s.cur = 1) then
        select p.pos_seq, p.last_tick, p.active, p.batch, p.next_tick
          into pos_seq, last_tick, active, batch, next_tick
          from pgq.position_1 p where p.reg_id = i_reg_id
         order by p.pos_seq desc limit 1;
        if not found then
            select p.pos_seq, p.last_tick, p.active, p.batch, p.next_tick
              into pos_seq, last_tick, active, batch, next_tick
              from pgq.position_0 p where p.reg_id = i_reg_id
             order by p.pos_seq desc limit 1;
        end if;
    else
        select p.pos_seq, p.last_tick, p.active, p.batch, p.next_tick
          into pos_seq, last_tick, active, batch, next_tick
          from pgq.position_0 p where p.reg_id = i_reg_id
         order by p.pos_seq desc limit 1;
        if not found then
            select p.pos_seq, p.last_tick, p.active, p.batch, p.next_tick
              into pos_seq, last_tick, active, batch, next_tick
              from pgq.position_1 p where p.reg_id = i_reg_id
             order by p.pos_seq desc limit 1;
        end if;
    end if;
    if pos_seq is null then
        perform pgq._assert_logs();
    end if;
end;
$$ language plpgsql;
comment on function pgq._position(bigint) is 'internal: newest position of a registration';
