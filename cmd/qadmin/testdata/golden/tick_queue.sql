create queue a; create queue b with paused=1;
tick queue a;
tick queue a;
tick queue a force;
tick queue b;
tick queue *;
tick queue nosuch;
