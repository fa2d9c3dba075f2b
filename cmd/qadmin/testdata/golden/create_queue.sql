create queue a;
create queue a;
create queue a if not exists;
create queue b with max_lag='100 ms', max_count=7, paused=1;
create queue c with nosuch=1;
create queue c with max_lag='tomorrow';
select queue_name, queue_ticker_max_lag, queue_ticker_max_count, queue_ticker_paused from pgq.queue order by 1;
