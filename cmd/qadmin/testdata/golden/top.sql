create queue orders;
top every 1 count 1;
top every 0 count 1;
