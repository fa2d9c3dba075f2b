create or replace function pgq._hold_queue(i_queue_id integer, i_relation text)
returns regclass as $$
-- ----------------------------------------------------------------------
-- Function: pgq._hold_queue(2)
--
--      Keeps a queue from being dropped until the end of the transaction.
--      pgq.drop_queue() takes the same advisory lock, alone and first: who
--      waited for a lock on a sequence or a table instead would find the
--      relation gone, and could only fail. A row lock would be a write for
--      each event.
--
-- Returns:
--      the given relation of the queue; NULL if the queue is dropped
-- ----------------------------------------------------------------------
declare
    _relation regclass;
begin
    perform pg_catalog.pg_advisory_xact_lock_shared('pgq.queue'::regclass::oid::integer, i_queue_id);
    _relation := pg_catalog.to_regclass(i_relation);
    -- Looked up by name alone it may be one that was dropped during the wait:
    -- a session takes notice when it opens a relation.
    if pg_catalog.pg_relation_size(_relation) is null then
        return null;
    end if;
    return _relation;
end;
$$ language plpgsql;
comment on function pgq._hold_queue(integer, text) is 'internal: keeps a queue from being dropped until the end of the transaction';
