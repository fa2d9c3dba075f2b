-- ----------------------------------------------------------------------
-- Rights on what only this flavour has: helpers of functions that run with
-- the rights of their caller.
-- ----------------------------------------------------------------------

grant execute on function
    pgq._assert_current(integer, integer),
    pgq._lock_event_table(integer, integer, text, text),
    pgq._put_event(text, bigint, timestamptz, integer, integer, text, text, text, text, text, text),
    pgq._count_event(text, integer, integer, integer, integer)
    to pgq_admin;

-- of the triggers, for whoever changes a table that has one; what they need
-- pgq_writer for is pgq.insert_event
grant execute on function
    pgq._urlencode(text),
    pgq._trigger_list(text),
    pgq._trigger_table(oid),
    pgq._trigger_relid(anyelement),
    pgq._trigger_columns(anyelement),
    pgq._row_values(text, integer),
    pgq._trigger_put(text, text, text, pgq._columns, text, text),
    pgq._row_changes(pgq._columns, text[], text[], text[], record, record),
    pgq._row_urlencode(pgq._columns, text[], text[]),
    pgq._row_json(pgq._columns, text[], text[], record),
    pgq._row_sql(text, pgq._columns, text[], text[], text[], text[], text[]),
    pgq._trigger_event(text, text[], text, text, text, text, text, pgq._columns, record, record, text, text),
    pgq._expression_sql(text, text[]),
    pgq._trigger_expressions(text[], text[], text[], record)
    to public;
