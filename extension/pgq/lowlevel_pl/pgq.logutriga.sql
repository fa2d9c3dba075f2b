create or replace function pgq.logutriga()
returns trigger as $$
-- ----------------------------------------------------------------------
-- Function: pgq.logutriga()
--
--      Row trigger that puts changes into a queue, rows percent-encoded.
--
--          create trigger NAME after insert or update or delete on TABLE
--          for each row execute function pgq.logutriga('QUEUE' [, 'ARG' ...]);
--
--          create trigger NAME after truncate on TABLE
--          for each statement execute function pgq.logutriga('QUEUE');
--
--      Arguments, after the name of the queue, in any order:
--          SKIP            in a BEFORE trigger: make an event, but do not let
--                          the operation happen
--          ignore=a,b      columns that are neither compared nor put into events;
--                          an UPDATE that changes only these makes no event
--          pkey=a,b        columns to take as key in place of the primary key
--          backup          put the old row of an UPDATE into ev_extra2
--          deny            fail
--          ev_type=X, ev_data=X, ev_extra1=X .. ev_extra4=X
--                          make the field of the value of this SQL expression
--          when=X          make an event only if this expression is true
--      An expression may name the columns, as they are after the change, for a
--      DELETE as they were before.
--
--      A column named _pgq_ev_type, _pgq_ev_data, _pgq_ev_extra1 ..
--      _pgq_ev_extra4 is left out of the row and replaces the field.
--
--      Nothing happens if session_replication_role is local.
--
-- Makes:
--      ev_type     - I:, U: or D: and the columns of the key; R for TRUNCATE
--      ev_data     - a=1&b=x+y&c : the new row, for DELETE the old one; NULL is
--                    a name alone
--      ev_extra1   - schema.table, never quoted
--      ev_extra2   - old row, with backup
--
-- Calls:
--      pgq.insert_event(7), as the user who changes the table
--
-- Errors:
--      pgq trigger must have destination queue as argument
--      bad param to pgq trigger
--      pkey= column does not exist
--      pgq Ins/Upd/Del trigger must be fired FOR EACH ROW
--      SKIP does not work in AFTER trigger.
--      Update/Delete on table without pkey
--      primary key update not allowed
--      Table to queue: change not allowed
--      Unknown magic column
--      Column ignore / Custom pkey_list / Backup / Custom expressions do not
--      make sense for truncate trigger
--      those of pgq._trigger_expressions() and pgq.insert_event()
-- ----------------------------------------------------------------------
declare
    _columns pgq._columns;
    _event record;
    _fields pg_catalog.text[];
begin
    if tg_level operator(pg_catalog.=) 'ROW' then
        -- pgq._columns is a constant of the plan, which is what makes this fast: see pgq._trigger_columns().
        if tg_nargs operator(pg_catalog.=) 1 and tg_when operator(pg_catalog.=) 'AFTER'
           and pg_catalog.current_setting('session_replication_role') operator(pg_catalog.<>) 'local'
           and pgq._trigger_put(tg_argv[0], tg_op, pg_catalog.concat(tg_table_schema, '.', tg_table_name),
                case when tg_relid operator(pg_catalog.=) pgq._trigger_relid(case when false then new end)
                     then pgq._trigger_columns(case when false then new end) end,
                pg_catalog.format('%s', case when tg_op operator(pg_catalog.=) 'DELETE' then old else new end),
                case when tg_op operator(pg_catalog.=) 'UPDATE' then pg_catalog.format('%s', old) end)
        then
            return null;
        end if;
        _columns := case when tg_relid operator(pg_catalog.=) pgq._trigger_relid(case when false then new end)
                         then pgq._trigger_columns(case when false then new end) end;
        _event := pgq._trigger_event('url', tg_argv, tg_op, tg_when, tg_level, tg_table_schema, tg_table_name,
                                     _columns, new, old,
                                     pg_catalog.format('%s', new), pg_catalog.format('%s', old));
    else
        _event := pgq._trigger_event('url', tg_argv, tg_op, tg_when, tg_level, tg_table_schema, tg_table_name,
                                     pgq._trigger_table(tg_relid), null, null, null, null);
    end if;

    _fields := _event.fields;
    if _fields is not null then
        if _event.exprs is not null then
            _fields := pgq._trigger_expressions(_event.exprs, _columns.names, _fields,
                                                case when _event.deletes then old else new end);
        end if;
        if _fields is not null then
            perform pgq.insert_event(_event.queue, _fields[1], _fields[2], _fields[3],
                                     _fields[4], _fields[5], _fields[6]);
        end if;
    end if;

    if not _event.pass then
        return null;
    elsif _event.deletes then
        return old;
    else
        return new;
    end if;
end;
$$ language plpgsql;
comment on function pgq.logutriga() is 'Trigger: puts row changes into a queue as a=1&b=x. Arguments: queue, SKIP, ignore=, pkey=, backup, deny, ev_type= .. ev_extra4=, when=';
