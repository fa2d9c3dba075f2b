create or replace function pgq_node.demote_root(
    i_queue_name text,
    i_step integer,
    i_new_provider text,
    out ret_code integer,
    out ret_note text,
    out last_tick bigint)
returns record as $$
-- ----------------------------------------------------------------------
-- Function: pgq_node.demote_root(3)
--
--      Makes the root a branch, in three transactions: 1 refuses events from
--      now on; 2 waits for those who still write, and makes the last tick, which
--      covers all events; 3, once the new root has that tick, changes the node.
--
--      After step 1 the node can be made a root as before by queue settings
--      disable_insert and external_ticker; after step 3 by promote_branch.
--
-- Parameters:
--      i_queue_name    - queue
--      i_step          - 1, 2 or 3
--      i_new_provider  - the new root
-- Returns:
--      200 - step done; last_tick is the last tick after steps 2 and 3
--      301 - the node is no root
--      404 - no node or no queue
-- Errors:
--      steps in wrong order, incorrect step number
-- ----------------------------------------------------------------------
declare
    _node record;
    _q record;
begin
    select n.node_type, n.worker_name, n.node_name into _node
      from pgq_node.node_info n
     where n.queue_name = i_queue_name
       for update;
    if not found then
        ret_code := 404;
        ret_note := 'Node not initialized for queue: ' || i_queue_name;
        return;
    end if;
    if _node.node_type <> 'root' then
        ret_code := 301;
        ret_note := 'Node not root';
        return;
    end if;
    select q.queue_id, q.queue_cur_table, q.queue_data_pfx, q.queue_disable_insert, q.queue_external_ticker,
           q.queue_tick_seq, q.queue_event_seq
      into _q
      from pgq.queue q
     where q.queue_name = i_queue_name;
    if i_step > 1 and (_q.queue_id is null or not _q.queue_disable_insert or not _q.queue_external_ticker) then
        raise exception 'steps in wrong order';
    end if;

    case i_step
        when 1 then
            update pgq.queue
               set queue_disable_insert = true, queue_external_ticker = true
             where queue_name = i_queue_name;
            if not found then
                ret_code := 404;
                ret_note := 'Huh, no queue?: ' || i_queue_name;
                return;
            end if;
            -- A writer in REPEATABLE READ may not see that. The row that it locks
            -- before its first event is changed, so that it fails (pgq._assert_current).
            -- pgq 3.5 has no such rows.
            if pg_catalog.to_regclass('pgq.event_table') is not null then
                update pgq.event_table
                   set et_opened = et_opened
                 where et_queue = _q.queue_id and et_num = _q.queue_cur_table;
            end if;
            ret_note := 'Step 1: Writing disabled for: ' || i_queue_name;
        when 2 then
            -- what is put in behind the last tick would be lost: only who maintains
            -- the node may, and that is said in advance
            begin
                perform pg_catalog.set_config('session_replication_role', 'replica', true);
            exception
                when insufficient_privilege then null; -- nothing here needs it
            end;
            execute 'lock table ' || pgq.quote_fqname(_q.queue_data_pfx) || ' in exclusive mode';
            last_tick := pg_catalog.nextval(pgq.quote_fqname(_q.queue_tick_seq)::regclass);
            perform pgq.ticker(i_queue_name, last_tick, pg_catalog.now(),
                               pg_catalog.nextval(pgq.quote_fqname(_q.queue_event_seq)::regclass));
            ret_note := 'Step 2: Inserted last tick: ' || i_queue_name;
        when 3 then
            last_tick := pgq_node._newest_tick(i_queue_name);
            update pgq_node.node_info set node_type = 'branch' where queue_name = i_queue_name;
            perform pgq_node._state_set(i_queue_name, _node.worker_name, i_new_provider, last_tick, null, false);
            ret_note := 'Step 3: Demoted root to branch: ' || i_queue_name;
        else
            raise exception 'incorrect step number';
    end case;
    ret_code := 200;
end;
$$ language plpgsql security definer set search_path to pg_catalog, pg_temp;
comment on function pgq_node.demote_root(text, integer, text)
    is 'Makes the root a branch, in three steps: no more events, the last tick, the change';
