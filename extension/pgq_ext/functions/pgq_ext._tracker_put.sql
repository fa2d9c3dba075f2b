create or replace function pgq_ext._tracker_put(i_id integer, i_seq bigint, i_value bigint)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext._tracker_put(3)
--
--      Writes the value that follows log row i_seq. The caller has locked the
--      position by pgq_ext._tracker_lock(), which gave it i_id and i_seq.
--
-- Errors:
--      40001   - the caller's snapshot is older than the position
-- ----------------------------------------------------------------------
begin
    insert into pgq_ext.tracker_log (tr_id, tr_seq, tr_value)
    values (i_id, i_seq + 1, i_value)
    on conflict (tr_id, tr_seq) do nothing;
    if not found then
        raise exception 'could not serialize access due to concurrent change of a position'
            using errcode = 'serialization_failure';
    end if;

    -- both bounds are needed: a scan from the beginning would visit all the
    -- dead rows that an old snapshot keeps
    if (i_seq + 1) % 100 = 0 then
        delete from pgq_ext.tracker_log l
         where l.tr_id = i_id
           and l.tr_seq between i_seq - 99 and i_seq;
    end if;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext._tracker_put(integer, bigint, bigint)
    is 'internal: writes the next value of a position that the caller has locked';
