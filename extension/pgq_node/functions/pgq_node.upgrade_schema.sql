create or replace function pgq_node.upgrade_schema()
returns integer as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.upgrade_schema(0)
--
--      Brings the tables of an older installation up to this one: adds the
--      column node_info.node_attrs, and moves local_state, which was a table
--      before 4.0, into local_consumer and local_position. A view takes its
--      name afterwards, so this changes something only inside the script.
--
-- Returns:
--      number of changes, 0 when there was nothing to do
-- ----------------------------------------------------------------------
declare
    _cnt integer := 0;
    _detail text;
begin
    if not exists (select 1 from pg_catalog.pg_attribute a
                    where a.attrelid = 'pgq_node.node_info'::regclass and a.attname = 'node_attrs' and not a.attisdropped)
    then
        alter table pgq_node.node_info add column node_attrs text;
        _cnt := _cnt + 1;
    end if;

    if exists (select 1 from pg_catalog.pg_class c
                where c.oid = pg_catalog.to_regclass('pgq_node.local_state') and c.relkind = 'r')
    then
        -- from here to the end of the upgrade nobody may store in it
        lock table pgq_node.local_state in access exclusive mode;
        with moved as (
            insert into pgq_node.local_consumer (queue_name, consumer_name, provider_node, paused, uptodate)
            select o.queue_name, o.consumer_name, o.provider_node, o.paused, o.uptodate
              from pgq_node.local_state o
            returning lc_id, queue_name, consumer_name
        )
        insert into pgq_node.local_position (lc_id, lp_seq, last_tick_id, cur_error)
        select m.lc_id, 1, o.last_tick_id, o.cur_error
          from pgq_node.local_state o
          join moved m using (queue_name, consumer_name);
        if exists (select 1 from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass
                      and d.objid = 'pgq_node.local_state'::regclass
                      and d.deptype = 'e')
        then
            -- also takes it off the list of tables that pg_dump reads
            alter extension pgq_node drop table pgq_node.local_state;
        end if;
        begin
            drop table pgq_node.local_state;
        exception
            when dependent_objects_still_exist then
                get stacked diagnostics _detail = pg_exception_detail;
                raise exception 'table pgq_node.local_state becomes a view, and objects depend on the table'
                    using errcode = 'dependent_objects_still_exist', detail = _detail,
                          hint = 'Drop these objects before the upgrade and create them again after it.';
        end;
        _cnt := _cnt + 1;
    end if;
    return _cnt;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_node.upgrade_schema() is 'Bring the tables of an older installation up to date; number of changes';
