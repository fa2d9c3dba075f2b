-- ----------------------------------------------------------------------
-- The tables of 3.1, as views of the same names and columns. Users who look
-- at positions, move them or remove them by hand go on doing so.
-- ----------------------------------------------------------------------

create or replace view pgq_ext.completed_tick as
    select t.consumer_id, t.subconsumer_id, l.tr_value as last_tick_id
      from pgq_ext.tracker t
      cross join lateral (
            select g.tr_value
              from pgq_ext.tracker_log g
             where g.tr_id = t.tr_id
             order by g.tr_seq desc
             limit 1
      ) l
     where t.tr_kind = 'tick' and l.tr_value is not null;
alter view pgq_ext.completed_tick alter column subconsumer_id set default '';
comment on view pgq_ext.completed_tick is 'Last tick that each consumer has done';

create or replace trigger tracker_write
    instead of insert or update or delete on pgq_ext.completed_tick
    for each row execute function pgq_ext._tracker_write('tick', 'last_tick_id');

create or replace view pgq_ext.completed_batch as
    select t.consumer_id, t.subconsumer_id, l.tr_value as last_batch_id
      from pgq_ext.tracker t
      cross join lateral (
            select g.tr_value
              from pgq_ext.tracker_log g
             where g.tr_id = t.tr_id
             order by g.tr_seq desc
             limit 1
      ) l
     where t.tr_kind = 'batch' and l.tr_value is not null;
alter view pgq_ext.completed_batch alter column subconsumer_id set default '';
comment on view pgq_ext.completed_batch is 'Last batch that each consumer has done';

create or replace trigger tracker_write
    instead of insert or update or delete on pgq_ext.completed_batch
    for each row execute function pgq_ext._tracker_write('batch', 'last_batch_id');

create or replace view pgq_ext.partial_batch as
    select t.consumer_id, t.subconsumer_id, l.tr_value as cur_batch_id
      from pgq_ext.tracker t
      cross join lateral (
            select g.tr_value
              from pgq_ext.tracker_log g
             where g.tr_id = t.tr_id
             order by g.tr_seq desc
             limit 1
      ) l
     where t.tr_kind = 'partial' and l.tr_value is not null;
alter view pgq_ext.partial_batch alter column subconsumer_id set default '';
comment on view pgq_ext.partial_batch is 'Batch that each consumer tags events of';

create or replace trigger tracker_write
    instead of insert or update or delete on pgq_ext.partial_batch
    for each row execute function pgq_ext._tracker_write('partial', 'cur_batch_id');
