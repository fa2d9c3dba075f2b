-- Why an event is in no table. $1: queue, $2: its id.
select case when $2::bigint > v.last then 'not there'
            when $2::bigint < v.first then 'gone'
            else 'not visible' end,
       case when $2::bigint > v.last then 'the newest id that was given out is ' || v.last
            when $2::bigint < v.first then 'events before ' || v.first || ' were read by all and deleted by rotation'
            else 'not committed yet, or rolled back, or an id that was left out, or deleted by rotation' end
  from (select coalesce(pg_catalog.pg_sequence_last_value((pg_catalog.quote_ident(split_part(q.queue_event_seq, '.', 1)) || '.'
                   || pg_catalog.quote_ident(split_part(q.queue_event_seq, '.', 2)))::regclass), 0) as last,
               (select t.tick_event_seq from pgq.tick t where t.tick_queue = q.queue_id order by t.tick_id limit 1) as first
          from pgq.queue q
         where q.queue_name = $1) v
