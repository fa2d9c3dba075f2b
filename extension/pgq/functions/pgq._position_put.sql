create or replace function pgq._position_put(
    i_reg_id bigint,
    i_prev_seq bigint,
    i_last_tick bigint,
    i_batch bigint,
    i_next_tick bigint,
    i_active timestamptz default pg_catalog.now())
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._position_put(6)
--
--      Writes the position that follows the one numbered i_prev_seq (0: the
--      first one). The caller holds the lock of the registration row and has
--      read i_prev_seq after taking it.
--
--      In READ COMMITTED that is enough. A caller in a stricter level has read
--      with an old snapshot: if the position or the current log changed since,
--      it gets a serialization failure and writes nothing.
-- ----------------------------------------------------------------------
declare
    _cur integer;
begin
    if pg_catalog.current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        if exists (select 1 from pgq.position_state s where s.cur = 1) then
            insert into pgq.position_1 (reg_id, pos_seq, last_tick, active, batch, next_tick)
            values (i_reg_id, i_prev_seq + 1, i_last_tick, i_active, i_batch, i_next_tick);
        else
            insert into pgq.position_0 (reg_id, pos_seq, last_tick, active, batch, next_tick)
            values (i_reg_id, i_prev_seq + 1, i_last_tick, i_active, i_batch, i_next_tick);
        end if;
        return;
    end if;

    -- both statements fail by themselves if the logs were switched after this
    -- snapshot; the first one also when the row itself is newer
    insert into pgq.position_state (cur) values (0) on conflict do nothing;
    select s.cur into _cur from pgq.position_state s for share;
    begin
        -- Whoever had looked at position_state just before the last switch put
        -- his row into the old log, perhaps after this snapshot: the number
        -- must be free there too. Tried and taken back.
        begin
            if _cur = 1 then
                insert into pgq.position_0 (reg_id, pos_seq) values (i_reg_id, i_prev_seq + 1);
            else
                insert into pgq.position_1 (reg_id, pos_seq) values (i_reg_id, i_prev_seq + 1);
            end if;
            raise exception using errcode = 'PGQ02';
        exception
            when sqlstate 'PGQ02' then
                null;
        end;
        if _cur = 1 then
            insert into pgq.position_1 (reg_id, pos_seq, last_tick, active, batch, next_tick)
            values (i_reg_id, i_prev_seq + 1, i_last_tick, i_active, i_batch, i_next_tick);
        else
            insert into pgq.position_0 (reg_id, pos_seq, last_tick, active, batch, next_tick)
            values (i_reg_id, i_prev_seq + 1, i_last_tick, i_active, i_batch, i_next_tick);
        end if;
    exception
        when unique_violation then
            raise exception 'could not serialize access due to concurrent change of a consumer position'
                using errcode = 'serialization_failure';
    end;
end;
$$ language plpgsql;
comment on function pgq._position_put(bigint, bigint, bigint, bigint, bigint, timestamptz)
    is 'internal: writes the next position of a registration, whose row the caller has locked';
