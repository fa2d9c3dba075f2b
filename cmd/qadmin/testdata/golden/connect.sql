create queue orders;
connect queue=orders;
\Q
connect queue=nosuch;
connect host='/nonexistent';
connect
