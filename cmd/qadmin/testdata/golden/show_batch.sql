\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
connect queue=orders;
show batch mailer;
select pgq.next_batch('orders', 'mailer');
show batch mailer;
show batch 1 limit 1;
show batch 99;
show batch nosuch;
