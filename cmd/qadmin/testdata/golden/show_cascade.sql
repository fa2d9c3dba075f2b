create root node a location 'host=/nowhere dbname=a' nocheck on q;
insert into pgq_node.node_location values ('q', 'b', 'host=/nowhere user=u dbname=b', true);
show cascade q;
connect queue=q;
show cascade;
show cascade nosuch;
