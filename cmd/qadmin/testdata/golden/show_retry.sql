\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
show retry;
select pgq.next_batch('orders', 'mailer');
select pgq.event_retry(1, 1, 60), pgq.finish_batch(1);
show retry orders;
show retry nosuch;
