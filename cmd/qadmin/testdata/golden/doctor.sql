\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
doctor;
update pgq.queue set queue_switch_step2 = null, queue_switch_time = now() - interval '25 hours';
doctor;
doctor fix;
doctor;
