create or replace function pgq_ext._tracker_lock(
    in i_kind text,
    in i_consumer text,
    in i_subconsumer text,
    out id integer,
    out seq bigint,
    out value bigint)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext._tracker_lock(3)
--
--      Locks a position until the end of the transaction and reads it; makes
--      its tracker if this is the first time.
--
-- Returns:
--      id      - tr_id
--      seq     - number of the newest log row, 0 if there is none
--      value   - the position, NULL if there is none
-- Errors:
--      40001   - the caller's snapshot is older than the position
-- ----------------------------------------------------------------------
begin
    loop
        select t.tr_id into id
          from pgq_ext.tracker t
         where t.consumer_id = i_consumer
           and t.subconsumer_id = i_subconsumer
           and t.tr_kind = i_kind
           for no key update;
        exit when found;
        -- waits for another session that is making it right now; under an old
        -- snapshot that fails with 40001
        insert into pgq_ext.tracker (consumer_id, subconsumer_id, tr_kind)
        values (i_consumer, i_subconsumer, i_kind)
        on conflict (consumer_id, subconsumer_id, tr_kind) do nothing;
    end loop;

    if pg_catalog.current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        -- the row lock fails with 40001 if the row was deleted after the snapshot
        select l.tr_seq, l.tr_value into seq, value
          from pgq_ext.tracker_log l
         where l.tr_id = id
         order by l.tr_seq desc
         limit 1
           for update;
    else
        select l.tr_seq, l.tr_value into seq, value
          from pgq_ext.tracker_log l
         where l.tr_id = id
         order by l.tr_seq desc
         limit 1;
    end if;
    seq := coalesce(seq, 0);
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext._tracker_lock(text, text, text)
    is 'internal: locks a position and reads it';
