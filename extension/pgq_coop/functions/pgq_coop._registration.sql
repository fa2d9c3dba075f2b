create or replace function pgq_coop._registration(
    in i_queue_name text,
    in i_consumer_name text,
    out reg_id bigint,
    out sub_id integer,
    out queue_id integer)
as $$
-- ----------------------------------------------------------------------
-- Function: pgq_coop._registration(2)
--
--      Finds the registration of a main consumer, or of a subconsumer by its
--      full name 'M.S'.
--
-- Returns:
--      all NULL if there is none
-- ----------------------------------------------------------------------
begin
    select r.reg_id, r.sub_id, r.sub_queue
      into reg_id, sub_id, queue_id
      from pgq.queue q, pgq.consumer c, pgq.registration r
     where q.queue_name = i_queue_name
       and c.co_name = i_consumer_name
       and r.sub_queue = q.queue_id
       and r.sub_consumer = c.co_id;
end;
$$ language plpgsql set search_path to pg_catalog, pg_temp;
comment on function pgq_coop._registration(text, text)
    is 'internal: registration of a consumer on a queue';
