create root node a location 'host=/nowhere dbname=a' nocheck on q;
insert into pgq_node.node_location values ('q', 'b', 'dbname=b', false);
select ret_code from pgq_node.register_subscriber('q', 'b', 'w', null);
show subscribers q;
show subscribers nosuch;
