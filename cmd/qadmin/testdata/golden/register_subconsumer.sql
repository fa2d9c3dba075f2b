create queue orders;
register subconsumer a for worker on orders;
register subconsumer 2 for worker on orders;
register subconsumer a for worker on orders;
register subconsumer b on orders;
select consumer_name from pgq.get_consumer_info('orders');
