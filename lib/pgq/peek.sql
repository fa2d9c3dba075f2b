-- The query that reads the events of a queue ($1) after a tick ($2): those of
-- the transactions which its snapshot does not see. From xmin of the snapshot
-- on, the index on ev_txid finds them. The parent table stands for all tables
-- of the queue.
--
-- Tick 0: the last tick before the newest event took its id. The sequence also
-- counts what a transaction took that was rolled back; then nothing comes.
select format('select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
           ' from %s where ev_txid >= %s and not txid_visible_in_snapshot(ev_txid, %L) and ev_owner is null order by 1',
           pgq.quote_fqname(q.queue_data_pfx), txid_snapshot_xmin(t.tick_snapshot), t.tick_snapshot)
  from pgq.queue q
  join pgq.tick t on t.tick_queue = q.queue_id
 where q.queue_name = $1
   and case when $2::bigint > 0 then t.tick_id = $2
       else t.tick_event_seq < pgq.seq_getval(q.queue_event_seq)
            or t.tick_id = (select min(f.tick_id) from pgq.tick f where f.tick_queue = q.queue_id) end
 order by t.tick_id desc
 limit 1;
