create root node a location 'host=/nowhere dbname=a' nocheck on q;
drop node b on q;
drop node a on q dry run;
drop node a on q;
select count(*) from pgq.queue;
