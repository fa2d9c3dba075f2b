insert into pgq_node.node_location values ('q', 'a', 'host=x password=secret', false), ('q', 'b', 'postgresql://u:secret@h/db', true), ('r', 'a', 'dbname=d', false);
show node a;
show node a on r;
show node * on q;
show node nosuch;
