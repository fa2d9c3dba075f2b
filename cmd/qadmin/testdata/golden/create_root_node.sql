create root node a location 'host=/nowhere dbname=a' nocheck on q dry run;
create root node a location 'host=/nowhere dbname=a' nocheck on q;
create root node a location 'host=/nowhere dbname=a' nocheck on q;
create root node a location 'host=/nowhere dbname=a user=u' on r;
create root node a location 'x' nocheck;
