create queue a; create queue b;
alter queue a set max_lag='1 minute', rotation_period='1 day';
alter queue * set idle_period='5 minutes', external_ticker=true;
alter queue nosuch set paused=1;
alter queue a set;
select queue_name, queue_rotation_period, queue_external_ticker from pgq.queue where queue_ticker_idle_period = '5 minutes' order by 1;
