-- ----------------------------------------------------------------------
-- Makes tables again of the views that 4.0 has in their place.
-- ----------------------------------------------------------------------

do $$
declare
    _name text;
    _column text;
begin
    for _name, _column in
        values ('completed_tick', 'last_tick_id'), ('completed_batch', 'last_batch_id'), ('partial_batch', 'cur_batch_id')
    loop
        execute pg_catalog.format('alter view pgq_ext.%I rename to %I', _name, '_old_' || _name);
        execute pg_catalog.format(
            'create table pgq_ext.%I (consumer_id text not null, subconsumer_id text not null default '''', %I bigint not null,'
            ' constraint %I primary key (consumer_id, subconsumer_id))', _name, _column, _name || '_pkey');
        execute pg_catalog.format('insert into pgq_ext.%I select consumer_id, subconsumer_id, %I from pgq_ext.%I', _name, _column, '_old_' || _name);
        execute pg_catalog.format('drop view pgq_ext.%I', '_old_' || _name);
        perform pg_catalog.pg_extension_config_dump(('pgq_ext.' || _name)::regclass, '');
    end loop;
    -- an extension drops what pg_dump reads only after it was taken off the list
    alter extension pgq_ext drop table pgq_ext.tracker;
    alter extension pgq_ext drop table pgq_ext.tracker_log;
    alter extension pgq_ext drop sequence pgq_ext.tracker_tr_id_seq;
    drop table pgq_ext.tracker, pgq_ext.tracker_log;
end;
$$;
comment on table pgq_ext.completed_event is null;
comment on schema pgq_ext is null;
