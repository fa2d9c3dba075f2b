create or replace function pgq.next_batch(i_queue_name text, i_consumer_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.next_batch(2)
--
--      Opens the consumer's next batch.
--
-- Returns:
--      batch id, or NULL if there is nothing to do yet
-- ----------------------------------------------------------------------
begin
    return (select f.batch_id
              from pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null) f);
end;
$$ language plpgsql;
comment on function pgq.next_batch(text, text) is 'Opens the next batch of a consumer; NULL: nothing to do yet';
