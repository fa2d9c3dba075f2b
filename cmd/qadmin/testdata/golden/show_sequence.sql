create sequence s increment 2 maxvalue 99 cycle;
show sequence s;
show sequence nosuch;
