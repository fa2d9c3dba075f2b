create branch node b location 'host=/nowhere dbname=b' provider 'host=/nowhere dbname=a user=u' nocheck on q;
create root node a location 'host=/nowhere dbname=a' nocheck on q;
create branch node b location 'dbname=b' provider 'dbname=a' sync_watermark 'x,y' nocheck on q;
