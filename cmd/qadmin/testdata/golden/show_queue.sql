\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
create queue other with paused=1;
show queue orders;
connect queue=orders;
show queue;
show queue *;
show queue nosuch;
show queue a b;
