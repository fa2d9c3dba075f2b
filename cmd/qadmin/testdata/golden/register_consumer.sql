\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
register consumer mailer on orders;
register consumer second on orders copy mailer;
register consumer third at 1 on orders;
register consumer fourth;
register consumer fifth on nosuch;
register consumer sixth on orders copy nosuch;
select consumer_name, last_tick from pgq.get_consumer_info('orders');
