\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
show consumer mailer;
show consumer mailer on orders;
show consumer * on *;
show consumer mailer on nosuch;
show consumer nosuch;
