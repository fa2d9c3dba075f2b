create function pgq._batch(
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
--      row counts.
--
-- Returns:
--      all NULL if the batch is not open
-- ----------------------------------------------------------------------
declare
    r record;
    p record;
begin
    for r in
        select p0.reg_id from pgq.position_0 p0 where p0.batch = i_batch_id
        union
        select p1.reg_id from pgq.position_1 p1 where p1.batch = i_batch_id
    loop
        select * into p from pgq._position(r.reg_id);
        if p.batch = i_batch_id then
            select g.reg_id, g.sub_id, g.sub_queue, g.sub_consumer
              into reg_id, sub_id, queue_id, consumer_id
              from pgq.registration g
             where g.reg_id = r.reg_id;
            if found then
                prev_tick := p.last_tick;
                cur_tick := p.next_tick;
                pos_seq := p.pos_seq;
                active := p.active;
                return;
            end if;
        end if;
    end loop;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq._batch(bigint) is 'internal: registration and ticks of an open batch';
