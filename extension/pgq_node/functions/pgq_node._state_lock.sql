create or replace function pgq_node._state_lock(
    in i_queue_name text,
    in i_consumer_name text,
    out id integer,
    out seq bigint,
    out tick bigint,
    out error text)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._state_lock(2)
--
--      Locks the position of a consumer until the end of the transaction and
--      reads it.
--
-- Returns:
--      id      - lc_id, NULL if there is no such consumer
--      seq     - number of the newest log row
--      tick, error - what it holds
-- Errors:
--      40001   - the caller's snapshot is older than the position
-- ----------------------------------------------------------------------
begin
    select c.lc_id into id
      from pgq_node.local_consumer c
     where c.queue_name = i_queue_name
       and c.consumer_name = i_consumer_name
       for no key update;
    if not found then
        return;
    end if;
    if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        -- the row lock fails with 40001 if the row was deleted after the snapshot
        select l.lp_seq, l.last_tick_id, l.cur_error into seq, tick, error
          from pgq_node.local_position l
         where l.lc_id = id
         order by l.lp_seq desc
         limit 1
           for update;
    else
        select l.lp_seq, l.last_tick_id, l.cur_error into seq, tick, error
          from pgq_node.local_position l
         where l.lc_id = id
         order by l.lp_seq desc
         limit 1;
    end if;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_node._state_lock(text, text) is 'internal: locks the position of a consumer and reads it';
