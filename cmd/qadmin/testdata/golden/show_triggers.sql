\set QUIET on
create queue orders;
register consumer mailer on orders;
select pgq.insert_event('orders', 'new', 'one'), pgq.insert_event('orders', 'new', 'two');
tick queue orders force;
\set QUIET off
create table t (i int);
create trigger feed after insert on t for each row execute function pgq.logutriga('orders');
show triggers;
show triggers orders;
show triggers nosuch;
