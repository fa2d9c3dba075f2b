\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
explain event 2 on orders;
explain event 999 on orders;
explain event 1 on nosuch;
explain event 1;
