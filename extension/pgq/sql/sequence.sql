-- seq_getval, seq_setval, quote_fqname.
\set VERBOSITY terse
create sequence public.s1;
create schema "My Schema";
create sequence "My Schema"."My.Seq" start 5;

select pgq.seq_getval('public.s1'), pgq.seq_getval('s1');
select nextval('s1');
-- no change, like a fresh one
select pgq.seq_getval('s1');
select pgq.seq_setval('s1', 10), pgq.seq_getval('s1');
select pgq.seq_setval('s1', 5), pgq.seq_getval('s1');
select pgq.seq_setval('s1', 10);
select nextval('s1');
select pgq.seq_getval('My Schema.My.Seq');
select pgq.seq_setval('My Schema.My.Seq', 7);
select pgq.seq_getval(null) is null as getval, pgq.seq_setval(null, 1) is null as setval, pgq.seq_setval('s1', null) is null as setval;
select pgq.seq_getval('nosuch');
select pgq.seq_setval('x.nosuch', 1);
drop schema "My Schema" cascade;
drop sequence s1;

select n, pgq.quote_fqname(n)
  from (values ('a'), ('a.b'), ('a.b.c'), ('A.b'), ('My Table'), ('s."q"'), ('table.select'), ('.x'), ('x.'), (''), (null)) v (n);
