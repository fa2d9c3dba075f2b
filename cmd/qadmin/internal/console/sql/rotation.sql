-- Event tables and who keeps them. $1: queue, or NULL for all.
select * from pgq.get_rotation_info($1)
