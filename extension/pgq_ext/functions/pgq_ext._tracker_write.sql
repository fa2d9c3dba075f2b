create or replace function pgq_ext._tracker_write()
returns trigger as $$
-- ----------------------------------------------------------------------
-- Function: pgq_ext._tracker_write(0)
--
--      INSTEAD OF trigger that makes the views completed_tick, completed_batch
--      and partial_batch behave as the tables that they were.
--
-- Trigger arguments:
--      kind of position, name of the value's column
-- ----------------------------------------------------------------------
declare
    _old bigint;
    _new bigint;
    _tr record;
    _column text;
begin
    if tg_op <> 'INSERT' then
        _old := (pg_catalog.to_jsonb(old) ->> tg_argv[1])::bigint;
    end if;
    if tg_op <> 'DELETE' then
        _new := (pg_catalog.to_jsonb(new) ->> tg_argv[1])::bigint;
        _column := case
            when new.consumer_id is null then 'consumer_id'
            when new.subconsumer_id is null then 'subconsumer_id'
            when _new is null then tg_argv[1]
        end;
        if _column is not null then
            raise exception 'null value in column "%" of relation "%" violates not-null constraint', _column, tg_table_name
                using errcode = 'not_null_violation', schema = tg_table_schema, table = tg_table_name, column = _column;
        end if;
    end if;

    if tg_op <> 'INSERT' then
        select * into _tr from pgq_ext._tracker_lock(tg_argv[0], old.consumer_id, old.subconsumer_id);
        if _tr.value is null then
            -- removed since the statement began: as with a table, the row is skipped
            return null;
        end if;
        if tg_op = 'DELETE' then
            perform pgq_ext._tracker_put(_tr.id, _tr.seq, null);
            return old;
        end if;
        -- a table would compute the new value again, a trigger cannot
        if _tr.value <> _old then
            raise exception 'could not serialize access due to concurrent update'
                using errcode = 'serialization_failure';
        end if;
        if (new.consumer_id, new.subconsumer_id) = (old.consumer_id, old.subconsumer_id) then
            perform pgq_ext._tracker_put(_tr.id, _tr.seq, _new);
            return new;
        end if;
        -- renamed: gone here, and inserted below
        perform pgq_ext._tracker_put(_tr.id, _tr.seq, null);
    end if;

    select * into _tr from pgq_ext._tracker_lock(tg_argv[0], new.consumer_id, new.subconsumer_id);
    if _tr.value is not null then
        raise exception 'duplicate key value violates unique constraint "%_pkey"', tg_table_name
            using errcode = 'unique_violation', schema = tg_table_schema, table = tg_table_name,
                  constraint = tg_table_name || '_pkey',
                  detail = pg_catalog.format('Key (consumer_id, subconsumer_id)=(%s, %s) already exists.',
                                             new.consumer_id, new.subconsumer_id);
    end if;
    perform pgq_ext._tracker_put(_tr.id, _tr.seq, _new);
    return new;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp set enable_seqscan to off;
comment on function pgq_ext._tracker_write() is 'internal: INSTEAD OF trigger of the position views';
