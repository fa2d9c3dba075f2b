create root node a location 'host=/nowhere dbname=a' nocheck on q;
pause node a on q dry run;
pause node b on q;
pause node a consumer c on q;
