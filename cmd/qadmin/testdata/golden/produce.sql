create queue orders;
produce orders;
{"ev_type": "new", "ev_data": "one", "ev_extra1": "x"}
{"ev_type": "new"}
\.
produce orders format raw type line batch 1;
two
three
\.
produce orders format csv;
ev_type,ev_data
csv,"a,b"
\.
produce nosuch format raw;
x
\.
produce orders;
no json
\.
select ev_id, ev_type, ev_data, ev_extra1 from pgq.event_1 order by 1;
