-- Rotations whose second half is missing for longer than a moment.
select 'queue ' || queue_name,
       'the event table was changed ' || pg_catalog.date_trunc('second', pg_catalog.now() - queue_switch_time) || ' ago, and step 2 never ran',
       'select pgq.maint_rotate_tables_step2()'
  from pgq.queue
 where queue_switch_step2 is null
   and queue_switch_time < pg_catalog.now() - interval '1 minute'
 order by queue_name
