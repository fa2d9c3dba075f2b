-- ----------------------------------------------------------------------
-- The table of 3.5 as a view of the same name and columns. Who looks at
-- positions or changes them by hand goes on doing so.
-- ----------------------------------------------------------------------

create or replace view pgq_node.local_state as
    select c.queue_name, c.consumer_name, c.provider_node, p.last_tick_id, p.cur_error, c.paused, c.uptodate
      from pgq_node.local_consumer c
     cross join lateral (
            select l.last_tick_id, l.cur_error
              from pgq_node.local_position l
             where l.lc_id = c.lc_id
             order by l.lp_seq desc
             limit 1
      ) p;
alter view pgq_node.local_state alter column paused set default false;
alter view pgq_node.local_state alter column uptodate set default false;
comment on view pgq_node.local_state is 'Consumers that work for this node: provider, position, state';

create or replace trigger state_write
    instead of insert or update or delete on pgq_node.local_state
    for each row execute function pgq_node._state_write();
