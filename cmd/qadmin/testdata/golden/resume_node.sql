create root node a location 'host=/nowhere dbname=a' nocheck on q;
resume node a on q dry run;
resume node b on q;
