create leaf node b location 'host=/nowhere dbname=b' provider 'host=/nowhere dbname=a user=u' nocheck on q;
create root node a location 'host=/nowhere dbname=a' nocheck on q;
create leaf node b location 'dbname=b' provider 'dbname=a' merge r nocheck on q;
