create or replace function pgq_node._state_put(i_id integer, i_seq bigint, i_tick_id bigint, i_error text)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node._state_put(4)
--
--      Writes the position that follows log row i_seq. The caller has locked
--      the consumer by pgq_node._state_lock(), which gave it i_id and i_seq.
--
-- Errors:
--      40001   - the caller's snapshot is older than the position
-- ----------------------------------------------------------------------
begin
    insert into pgq_node.local_position (lc_id, lp_seq, last_tick_id, cur_error)
    values (i_id, i_seq + 1, i_tick_id, i_error)
    on conflict (lc_id, lp_seq) do nothing;
    if not found then
        raise exception 'could not serialize access due to concurrent change of a position'
            using errcode = 'serialization_failure';
    end if;

    -- both bounds are needed: a scan from the beginning would visit all the
    -- dead rows that an old snapshot keeps
    if (i_seq + 1) % 100 = 0 then
        delete from pgq_node.local_position l
         where l.lc_id = i_id
           and l.lp_seq between i_seq - 99 and i_seq;
    end if;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_node._state_put(integer, bigint, bigint, text)
    is 'internal: writes the next position of a consumer that the caller has locked';
