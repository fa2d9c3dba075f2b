-- The work list for schemas so old that they have no pgq.maint_operations().
(select 'pgq.maint_rotate_tables_step1', queue_name from pgq.get_queue_info() order by queue_name)
union all
select 'pgq.maint_rotate_tables_step2', null
union all
select 'vacuum', t from pgq.maint_tables_to_vacuum() t
