-- get_last_tick, set_last_tick
select pgq_ext.get_last_tick('c');
select pgq_ext.set_last_tick('c', 1);
select pgq_ext.get_last_tick('c');
select pgq_ext.set_last_tick('c', 2), pgq_ext.set_last_tick('c', 2);
select pgq_ext.get_last_tick('c');
select pgq_ext.set_last_tick('c', 'sub', 7);
select pgq_ext.get_last_tick('c'), pgq_ext.get_last_tick('c', 'sub'), pgq_ext.get_last_tick('c', 'other');
select * from pgq_ext.completed_tick order by 1, 2;

-- NULL forgets
select pgq_ext.set_last_tick('c', null), pgq_ext.set_last_tick('nobody', null);
select pgq_ext.get_last_tick('c'), pgq_ext.get_last_tick('nobody');
select * from pgq_ext.completed_tick order by 1, 2;
select pgq_ext.set_last_tick('c', 3);
select pgq_ext.get_last_tick('c');
