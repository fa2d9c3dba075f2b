create or replace function pgq.get_batch_cursor(
    in i_batch_id bigint,
    in i_cursor_name text,
    in i_quick_limit integer,
    in i_extra_where text,
    out ev_id bigint,
    out ev_time timestamptz,
    out ev_txid bigint,
    out ev_retry integer,
    out ev_type text,
    out ev_data text,
    out ev_extra1 text,
    out ev_extra2 text,
    out ev_extra3 text,
    out ev_extra4 text)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_batch_cursor(4)
--
--      Declares a cursor over the events of a batch and returns the first of
--      them, fetched through it. The caller is in a transaction block, goes
--      on with FETCH and closes it.
--
-- Parameters:
--      i_batch_id      - open batch
--      i_cursor_name   - name of the cursor
--      i_quick_limit   - events to return now; 0: only declare
--      i_extra_where   - SQL condition over the event's columns, or NULL
--
-- Errors:
--      batch not found
-- ----------------------------------------------------------------------
declare
    _cursor text;
    _sql text;
begin
    if i_batch_id is null or i_cursor_name is null or i_quick_limit is null then
        return;
    end if;

    _cursor := pg_catalog.quote_ident(i_cursor_name);
    _sql := pgq.batch_event_sql(i_batch_id);
    if i_extra_where is not null then
        _sql := 'select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data,'
            || ' ev_extra1, ev_extra2, ev_extra3, ev_extra4'
            || ' from (' || pg_catalog.left(_sql, -pg_catalog.length(' order by 1')) || ') as evs'
            || ' where ' || i_extra_where || ' order by 1';
    end if;
    execute 'declare ' || _cursor || ' no scroll cursor for ' || _sql;

    if i_quick_limit > 0 then
        return query execute 'fetch ' || i_quick_limit || ' from ' || _cursor;
    end if;
end;
$$ language plpgsql;
comment on function pgq.get_batch_cursor(bigint, text, integer, text)
    is 'Declares a cursor over the matching events of a batch and returns the first of them';

create or replace function pgq.get_batch_cursor(
    in i_batch_id bigint,
    in i_cursor_name text,
    in i_quick_limit integer,
    out ev_id bigint,
    out ev_time timestamptz,
    out ev_txid bigint,
    out ev_retry integer,
    out ev_type text,
    out ev_data text,
    out ev_extra1 text,
    out ev_extra2 text,
    out ev_extra3 text,
    out ev_extra4 text)
returns setof record as $$
-- ----------------------------------------------------------------------
-- Function: pgq.get_batch_cursor(3)
--
--      pgq.get_batch_cursor(4) without a condition.
-- ----------------------------------------------------------------------
begin
    return query
        select c.ev_id, c.ev_time, c.ev_txid, c.ev_retry, c.ev_type, c.ev_data,
               c.ev_extra1, c.ev_extra2, c.ev_extra3, c.ev_extra4
          from pgq.get_batch_cursor(i_batch_id, i_cursor_name, i_quick_limit, null) c;
end;
$$ language plpgsql strict;
comment on function pgq.get_batch_cursor(bigint, text, integer)
    is 'Declares a cursor over the events of a batch and returns the first of them';
