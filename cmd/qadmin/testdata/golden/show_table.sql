create table t (id serial primary key, name text not null default 'x', check (name <> ''));
create index on t (name);
show table t;
show table public.t;
show table nosuch;
