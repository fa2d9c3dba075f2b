create or replace function pgq._create_event_table(i_queue_id integer, i_num integer)
returns void as $$
-- ----------------------------------------------------------------------
-- Function: pgq._create_event_table(2)
--
--      Creates one event table of a queue, free for use.
-- ----------------------------------------------------------------------
declare
    _q record;
    _table text;
begin
    select q.queue_data_pfx, q.queue_event_seq into _q from pgq.queue q where q.queue_id = i_queue_id;
    _table := _q.queue_data_pfx || '_' || i_num;
    execute pg_catalog.format('create table %s () inherits (%s)',
        pgq.quote_fqname(_table), pgq.quote_fqname(_q.queue_data_pfx));
    execute pg_catalog.format('alter table %s alter column ev_id set default pg_catalog.nextval(%L)',
        pgq.quote_fqname(_table), _q.queue_event_seq);
    execute pg_catalog.format('create index %I on %s (ev_txid)',
        pg_catalog.split_part(_table, '.', 2) || '_txid_idx', pgq.quote_fqname(_table));
    insert into pgq.event_table (et_queue, et_num) values (i_queue_id, i_num);
end;
$$ language plpgsql;
comment on function pgq._create_event_table(integer, integer) is 'internal: creates one event table of a queue';
