create or replace function pgq._batch(
    in i_batch_id bigint,
    out reg_id bigint,
    out sub_id integer,
    out queue_id integer,
    out consumer_id integer,
    out prev_tick bigint,
    out cur_tick bigint,
    out pos_seq bigint,
    out active timestamptz)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq._batch(1)
--
--      Finds the registration that has this batch open now. The logs also
--      hold rows of batches that were finished since, and after a takeover
--      of a dead subconsumer two registrations know the id: only a newest
--      row counts. As in pgq._position(), what the current log shows is newer
--      than anything in the other one.
--
-- Returns:
--      all NULL if the batch is not open
-- ----------------------------------------------------------------------
begin
    if exists (select 1 from pgq.position_state s where s.cur = 1) then
        select r.reg_id, r.sub_id, r.sub_queue, r.sub_consumer, n.last_tick, n.next_tick, n.pos_seq, n.active
          into reg_id, sub_id, queue_id, consumer_id, prev_tick, cur_tick, pos_seq, active
          from pgq.position_1 p
          join pgq.registration r on r.reg_id = p.reg_id
         cross join lateral (
                select x.pos_seq, x.last_tick, x.active, x.batch, x.next_tick
                  from pgq.position_1 x where x.reg_id = p.reg_id
                 order by x.pos_seq desc limit 1) n
         where p.batch = i_batch_id and n.batch = i_batch_id;
    else
        select r.reg_id, r.sub_id, r.sub_queue, r.sub_consumer, n.last_tick, n.next_tick, n.pos_seq, n.active
          into reg_id, sub_id, queue_id, consumer_id, prev_tick, cur_tick, pos_seq, active
          from pgq.position_0 p
          join pgq.registration r on r.reg_id = p.reg_id
         cross join lateral (
                select x.pos_seq, x.last_tick, x.active, x.batch, x.next_tick
                  from pgq.position_0 x where x.reg_id = p.reg_id
                 order by x.pos_seq desc limit 1) n
         where p.batch = i_batch_id and n.batch = i_batch_id;
    end if;
    if found then
        return;
    end if;

    -- opened before the logs were switched, and not carried over yet
    select r.reg_id, r.sub_id, r.sub_queue, r.sub_consumer, n.last_tick, n.next_tick, n.pos_seq, n.active
      into reg_id, sub_id, queue_id, consumer_id, prev_tick, cur_tick, pos_seq, active
      from (select p0.reg_id from pgq.position_0 p0 where p0.batch = i_batch_id
            union
            select p1.reg_id from pgq.position_1 p1 where p1.batch = i_batch_id) p
      join pgq.registration r on r.reg_id = p.reg_id
     cross join lateral pgq._position(p.reg_id) n
     where n.batch = i_batch_id;
    if not found then
        perform pgq._assert_logs();
    end if;
end;
$$ language plpgsql;
comment on function pgq._batch(bigint) is 'internal: registration and ticks of an open batch';
