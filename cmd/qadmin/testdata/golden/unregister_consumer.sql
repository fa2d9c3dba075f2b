\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
unregister consumer nosuch from orders;
unregister consumer mailer from orders;
unregister consumer * from orders;
\set ON_DESTRUCTIVE yes
register consumer a on orders; register consumer b on orders;
unregister consumer * from orders;
select count(*) from pgq.get_consumer_info();
