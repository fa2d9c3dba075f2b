create queue orders;
register subconsumer a for worker on orders; register subconsumer b for worker on orders;
unregister subconsumer nosuch for worker from orders;
unregister subconsumer a for worker from orders;
unregister subconsumer * for worker from orders;
\set ON_DESTRUCTIVE yes
unregister subconsumer * for worker from orders close batch;
select consumer_name from pgq.get_consumer_info('orders');
