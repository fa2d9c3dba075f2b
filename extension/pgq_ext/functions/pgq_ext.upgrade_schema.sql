create or replace function pgq_ext.upgrade_schema()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext.upgrade_schema(0)
--
--      Brings the tables of an older installation up to this one: moves the
--      positions of completed_tick, completed_batch and partial_batch, which
--      were tables in 3.1, into pgq_ext.tracker and drops the tables. Views
--      take their names afterwards, so this runs only inside the script.
--
-- Returns:
--      number of tables and columns changed, 0 when there was nothing to do
-- ----------------------------------------------------------------------
declare
    _old record;
    _cnt integer := 0;
begin
    for _old in
        select o.kind, o.value_column, c.oid, c.oid::regclass as name,
               exists (select 1 from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass
                          and d.objid = c.oid
                          and d.deptype = 'e') as member
          from (values ('tick', 'completed_tick', 'last_tick_id'),
                       ('batch', 'completed_batch', 'last_batch_id'),
                       ('partial', 'partial_batch', 'cur_batch_id')) as o (kind, relname, value_column)
          join pg_catalog.pg_class c on c.relname = o.relname
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'pgq_ext' and c.relkind = 'r'
    loop
        -- from here to the end of the upgrade nobody may store in it
        execute pg_catalog.format('lock table %s in access exclusive mode', _old.name);
        execute pg_catalog.format(
            'with moved as ('
            ' insert into pgq_ext.tracker (tr_kind, consumer_id, subconsumer_id)'
            ' select %L, o.consumer_id, o.subconsumer_id from %s o'
            ' returning tr_id, consumer_id, subconsumer_id)'
            ' insert into pgq_ext.tracker_log (tr_id, tr_seq, tr_value)'
            ' select m.tr_id, 1, o.%I from %s o join moved m using (consumer_id, subconsumer_id)',
            _old.kind, _old.name, _old.value_column, _old.name);
        if _old.member then
            -- also takes it off the list of tables that pg_dump reads
            execute pg_catalog.format('alter extension pgq_ext drop table %s', _old.name);
        end if;
        execute pg_catalog.format('drop table %s', _old.name);
        _cnt := _cnt + 1;
    end loop;

    perform 1
       from pg_catalog.pg_attribute a
      where a.attrelid = 'pgq_ext.completed_event'::regclass
        and a.attname = 'subconsumer_id'
        and not a.atthasdef;
    if found then
        alter table pgq_ext.completed_event alter column subconsumer_id set default '';
        _cnt := _cnt + 1;
    end if;
    return _cnt;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_ext.upgrade_schema()
    is 'Bring the tables of an older installation up to date; number of changes';
