help tick;
help drop queue;
help latency;
help nosuch;
