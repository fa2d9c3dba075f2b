-- Corners of the trigger functions: what both flavours must say alike.
\set VERBOSITY terse
\pset tuples_only
set client_min_messages = warning;
create schema corners;
create schema "Shop";
set search_path = corners, pg_catalog;
select pgq.create_queue('q');
select queue_data_pfx as pfx from pgq.queue where queue_name='q' \gset
set datestyle='ISO'; set timezone='Africa/Cairo'; set timezone='+02';set timezone='Etc/GMT-2';
create table "Shop"."Ord Items"(sku text, "Line No" int, qty numeric, ok bool, at timestamptz, d date, ts timestamp, f float8, note text, n8 bigint, arr int[], n2 smallint, c char(5), v varchar(9), j json, jb jsonb, by bytea, u uuid, p point, iv interval, primary key ("Line No", sku));
create domain dint as int; create domain dtext as text check (value <> 'bad'); create domain dbool as bool; create type en as enum ('x','y z'); create type comp as (a int, b text); create domain darr as int[];
create table dom(id dint primary key, t dtext, b dbool, e en, c comp, da darr, nm name, x xml);
create or replace function mk(t regclass, variadic args text[] default '{}') returns void as $$
declare f text; a text := ''; x text;
begin foreach x in array args loop a := a || ',' || quote_literal(x); end loop;
 foreach f in array array['logutriga','sqltriga','jsontriga'] loop
  execute format('create trigger %I after insert or update or delete on %s for each row execute function pgq.%s(''q''%s)', 't_'||f, t, f, a);
 end loop; end $$ language plpgsql;
create or replace function un(t regclass) returns void as $$ declare r record; begin for r in select tgname from pg_trigger where tgrelid=t and not tgisinternal loop execute format('drop trigger %I on %s', r.tgname, t); end loop; end $$ language plpgsql;
create or replace function ev() returns setof text as $$ select concat_ws(' | ', coalesce(ev_type,'<null>'), coalesce(ev_data,'<null>'), coalesce(ev_extra1,'<null>'), coalesce(ev_extra2,'<null>'), coalesce(ev_extra3,'<null>'), coalesce(ev_extra4,'<null>')) from pgq.event_template order by ev_id $$ language sql;
create or replace procedure clr() as $$ begin truncate pgq.event_template cascade; end $$ language plpgsql;
-- own
select mk('"Shop"."Ord Items"');
insert into "Shop"."Ord Items" values ('A-1',7,1.50,true,'2024-03-05 10:20:30.5+02','2024-03-05','2024-03-05 10:20:30',0.1,E'tab\t"q" it''s \\ ~õ/€\x01\x1f\x7f',12345678901,'{1,NULL}',-3,'ab','v v','{"a": 1}','{"b":[1, 2]}','\x00ff','a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11','(1,2)','1 day 02:03');
update "Shop"."Ord Items" set qty=1.5000, note=null;
update "Shop"."Ord Items" set sku=sku;
update "Shop"."Ord Items" set at='infinity', d='-infinity', ts=null;
update "Shop"."Ord Items" set f='-0', p='(1,3)', j='{"a":1}', jb='{"b":[1,2]}', arr='{2}', c='ab   ', v=null;
update "Shop"."Ord Items" set f='0', iv='26:03', by='\x5c', d='0044-03-15 BC', ts='12024-01-01', at='2024-01-01 00:00:00.123456';
set datestyle='German, DMY'; set extra_float_digits=0; set bytea_output=escape;
update "Shop"."Ord Items" set f=1/3::float8, ts='2024-02-03';
update "Shop"."Ord Items" set "Line No" = 8;
update "Shop"."Ord Items" set sku = 'B' , note='x';
reset datestyle; reset extra_float_digits; reset bytea_output;
delete from "Shop"."Ord Items";
select ev(); call clr();
select mk('dom');
insert into dom values (1,'tex''t\',true,'y z',row(1,'a,b"'),'{1,2}','na"me','<a>b</a>'), (2,null,false,null,null,null,null,null),(3,'',null,'x',row(null,null),'{}','','<x/>');
update dom set t = t, c = row(2,'z') where id=1; update dom set da = '{1,2,3}', x='<b/>' where id=1; update dom set id=9 where id=2; delete from dom;
select ev(); call clr(); select un('dom');
-- ignore, pkey, backup
create table b1(id int primary key, a text, b text, c text); 
select mk('b1','backup'); insert into b1 values(1,'x y','z'); update b1 set a='q'; delete from b1; select ev(); call clr(); select un('b1');
select mk('b1','ignore= b , nosuch,c','backup'); insert into b1 values(1,'x y','z','c'); update b1 set a='q'; update b1 set b='1'; update b1 set b='2',a='r'; update b1 set id=id; update b1 set id=2; delete from b1; select ev(); call clr(); select un('b1');
select mk('b1','pkey=a, b'); insert into b1 values(1,'x y','z','c'); update b1 set c='q'; update b1 set b='1'; delete from b1; insert into b1 values(1,null,'b','c'); update b1 set c='d'; delete from b1; select ev(); call clr(); select un('b1'); truncate b1;
select mk('b1','pkey=nosuch'); insert into b1 values(1,'x y','z','c'); select un('b1');
select mk('b1','pkey='); insert into b1 values(1,'x y','z','c'); update b1 set c='d'; delete from b1; select ev(); call clr();  select un('b1'); truncate b1;
select mk('b1','pkey=b,a'); insert into b1 values(1,'x y','z','c'); update b1 set c='q';select ev(); call clr(); select un('b1'); truncate b1;
select mk('b1','ignore=','backup'); insert into b1 values(1,'x y','z','c'); update b1 set c='q'; update b1 set c='q';select ev(); call clr(); select un('b1'); truncate b1;
select mk('b1','ignore=id'); insert into b1 values(1,'x y','z','c'); update b1 set c='q'; delete from b1;select ev(); call clr(); select un('b1'); truncate b1;
select mk('b1','ignore=id,a,b,c'); insert into b1 values(1,'x y','z','c'); update b1 set c='q'; delete from b1;select ev(); call clr(); select un('b1'); truncate b1;
-- bad
select mk('b1','bad'); insert into b1 values(1); select un('b1');
select mk('b1','SKIP=1'); insert into b1 values(1); select un('b1');
select mk('b1','ignore'); insert into b1 values(1); select un('b1');
select mk('b1','backup='); insert into b1 values(1); select un('b1');
select mk('b1','xev_type=1'); insert into b1 values(1); select un('b1');
select mk('b1','expect_sync'); insert into b1 values(1); select un('b1');
select mk('b1','SKIP'); insert into b1 values(1); select un('b1');
select mk('b1','deny'); insert into b1 values(1); set session_replication_role=local; insert into b1 values(1); reset session_replication_role; update b1 set a=1; delete from b1; select un('b1'); truncate b1;
create trigger x after insert on b1 for each row execute function pgq.logutriga(); insert into b1 values(1); select un('b1');
create trigger x after insert on b1 for each statement execute function pgq.logutriga('q'); insert into b1 values(1); select un('b1');
create trigger x after insert on b1 for each row execute function pgq.logutriga('nosuch'); insert into b1 values(1); select un('b1');
create trigger x after insert on b1 for each row execute function pgq.logutriga(''); insert into b1 values(1); select un('b1');
select pgq.logutriga();
create table nokey(a int, b text); select mk('nokey'); insert into nokey values(1,'b'); update nokey set a=2; delete from nokey; select ev(); call clr();
-- before
create trigger x before insert or update or delete on b1 for each row execute function pgq.logutriga('q'); insert into b1 values (1,'a'); update b1 set a='b'; delete from b1 returning *; select ev(); call clr(); select un('b1');
insert into b1 values (5,'a');
create trigger x before insert or update or delete on b1 for each row execute function pgq.sqltriga('q','SKIP'); insert into b1 values (1,'a'); update b1 set a='b'; delete from b1; select * from b1; select ev(); call clr(); select un('b1');
create trigger x before insert or update or delete on b1 for each row execute function pgq.jsontriga('q','skip'); insert into b1 values (1,'a'); update b1 set a='b'; delete from b1; set session_replication_role=local; delete from b1; reset session_replication_role; select * from b1; select ev(); call clr(); select un('b1');
create table gen(id int generated always as identity primary key, a int, g int generated always as (a*2) stored);
create trigger x before insert or update or delete on gen for each row execute function pgq.sqltriga('q'); create trigger y before insert or update or delete on gen for each row execute function pgq.logutriga('q','ignore=a'); select mk('gen');
insert into gen(a) values(1); update gen set a=2; update gen set a=a; delete from gen; select ev(); call clr();
-- truncate
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q'); create trigger y before truncate on b1 for each statement execute function pgq.sqltriga('q','SKIP'); create trigger z after truncate on b1 for each statement execute function pgq.jsontriga('q');
insert into b1 values(1); truncate b1; select * from b1; select ev(); call clr(); select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','ignore=a'); truncate b1; select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','pkey=nosuch'); truncate b1; select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','backup'); truncate b1; select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','when=true'); truncate b1; select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','deny'); truncate b1; select un('b1');
create trigger x after truncate on b1 for each statement execute function pgq.logutriga('q','SKIP'); truncate b1; select un('b1');
-- expressions
create table ex(id int primary key, "Mixed Name" text, txt text, n numeric, "q""t" int, "text" text, ok bool, sel int);
create or replace function f_ex(int) returns text language sql as $$ select 'f'||$1 $$;
create or replace function wr(int) returns text language plpgsql as $$ begin insert into nokey values (1); return 'w'; end $$;
create or replace procedure tst(variadic a text[]) as $$ begin perform un('ex'); perform mk('ex', variadic a); begin
  insert into ex values (1,'m x','t''x',1.50,7,'tt',true,3); exception when others then raise warning 'insert: % %', sqlstate, sqlerrm; end;
  begin update ex set txt='new'; exception when others then raise warning 'update: % %', sqlstate, sqlerrm; end;
  begin delete from ex; exception when others then raise warning 'delete: % %', sqlstate, sqlerrm; end; end $$ language plpgsql;
set client_min_messages=warning;
call tst('ev_type=''plain''','ev_extra3=id+1','ev_extra4=txt || ''txt id "id" '' || id'); select ev(); call clr();
call tst('ev_data="Mixed Name" || "q""t"','ev_extra1=''other.table''','ev_extra2=n::text'); select ev(); call clr();
call tst('backup','ev_extra2=null','ev_extra3=','ev_extra4= ; '); select ev(); call clr();
call tst('when=id = 1 and ok'); select ev(); call clr();
call tst('when=false'); select ev(); call clr();
call tst('when=null'); select ev(); call clr();
call tst('when=null::bool'); select ev(); call clr();
call tst('when=1'); call tst('when='); call tst('when=''t'''); 
call tst('ev_type=1,2'); select ev(); call clr();
call tst('ev_type=generate_series(1,2)'); call tst('ev_type=1 where false'); call tst('ev_type=(select 1 from pg_class limit 1)','ev_data=id /* id */ -- id'); select ev(); call clr();
call tst('ev_type=f_ex(id)','ev_data=$a$id$a$ || E''\''id'' || u&''id'' || b''1''::text || id::numeric::text'); select ev(); call clr();
call tst('ev_type=nosuch'); call tst('ev_type=ID'); call tst('ev_type=ex.id'); call tst('ev_type=wr(1)'); call tst('ev_type=delete from ex'); call tst('ev_type=1; select 2'); call tst('ev_type=id from nokey'); select ev(); call clr();
call tst('ev_type=text(id)','ev_data=id.x'); call tst('ev_type=array[id,sel]::text','ev_data=case id when 1 then txt else "text" end', 'ev_extra3=ok','ev_extra4=id between 1 and 2'); select ev(); call clr();
call tst('ev_type=to_char(id,''FM00'')||substring(txt from 2)','ev_data=1.5e3+id','ev_extra4=id::text::int+id'); select ev(); call clr();
call tst('ev_data=''a'' ''b'''); call tst('ev_data='' it''''s '''); call tst('ev_data='' \x ''');select ev(); call clr();
drop table if exists mag; create table mag(id int primary key, a text, _pgq_ev_type text, _pgq_ev_data text, _pgq_ev_extra1 int, _pgq_ev_extra2 timestamptz, _pgq_ev_extra3 text, _pgq_ev_extra4 text);
select mk('mag','backup','ev_extra4=''over'''); insert into mag values(1,'a','T',null,5,'2024-01-01','e3','e4'); update mag set a='b'; update mag set _pgq_ev_type='U'; update mag set _pgq_ev_data='d', _pgq_ev_type=null; delete from mag; select ev(); call clr();
create table mag2(id int primary key, _pgq_ev_foo int, _pgq_ev_ text); select mk('mag2'); insert into mag2 values(1);
-- alter in between
select un('b1'); select mk('b1'); begin; insert into b1 values (1,'a','b','c'); alter table b1 drop column b; insert into b1 values (2,'a','c'); alter table b1 add column "New Col" int default 5; insert into b1 values (3,'a','c'); update b1 set a='z' where id=1; alter table b1 rename a to "a&b"; insert into b1 values(4,'q'); alter table b1 rename id to idd; update b1 set c='u' where idd=2; alter table b1 rename to b2; insert into b2 values (5); alter table b2 alter column c type int using 6; update b2 set c=7; alter table b2 set schema "Shop"; insert into "Shop".b2 values(6); alter schema "Shop" rename to shop2; insert into shop2.b2 values(7); delete from shop2.b2 where idd=7; rollback; select ev(); insert into b1 values(1,'a','b','c'); select ev(); call clr();
-- included, second index
create table inc(a int, b int, c text, primary key (b) include (a)); select mk('inc'); insert into inc values (1,2,'c'); update inc set a=5; update inc set b=3; delete from inc; select ev(); call clr();
create table empty_t(); select mk('empty_t'); insert into empty_t default values; select ev(); call clr();
create table ncoll(id text collate "C" primary key, t text); select mk('ncoll','ignore=t'); insert into ncoll values('a','b'); update ncoll set id='a'; update ncoll set t='c'; update ncoll set id='A'; select ev(); call clr();
create collation if not exists ci (provider=icu, locale='und-u-ks-level2', deterministic=false); create table nd(id text collate ci primary key, t text); select mk('nd'); insert into nd values('a','b'); update nd set id='A'; select ev(); call clr();
-- big
create table big(id int primary key, t text, x text); select mk('big'); alter table big alter t set storage external; insert into big values(1, repeat('a b',10000), 'x'); update big set x='y'; update big set t=t||'c'; select md5(ev) from ev(); call clr();
-- partitions, inheritance, copy, on conflict, merge, fk
create table pt(id int, a text, primary key(id)) partition by range(id); create table pt1 partition of pt for values from (0) to (10); create table pt2 partition of pt for values from (10) to (20); select mk('pt','ev_extra1=''corners.pt'''); insert into pt values(1,'a'),(11,'b'); update pt set a='z'; update pt set id=12 where id=1; delete from pt where id=11; select ev(); call clr();
copy ncoll from stdin;
c	d
e	f
\.
insert into ncoll values('c','up') on conflict(id) do update set t=excluded.t; select current_setting('server_version_num')::int >= 150000 as merge \gset
\if :merge
merge into ncoll n using (values('c','m'),('new','m')) v(id,t) on n.id=v.id when matched then delete when not matched then insert values(v.id,v.t);
\else
delete from ncoll where id='c'; insert into ncoll values('new','m');
\endif
select ev(); call clr();
create table fkp(id int primary key); create table fkc(id int primary key, p int references fkp on delete cascade on update cascade); select mk('fkp'); select mk('fkc'); insert into fkp values(1),(2); insert into fkc values(1,1),(2,2); delete from fkp where id=1; select ev(); call clr();
create constraint trigger def after insert on nokey deferrable initially deferred for each row execute function pgq.logutriga('q'); begin; insert into nokey values (100,'deferred'); select ev(); commit; select ev(); call clr();
create table quo("select" int primary key, "Üñ" text, "a=b" text, "x""y" text); select mk('quo','backup'); insert into quo values(1,'ü','=','"'); update quo set "Üñ"='b'; set quote_all_identifiers=on; delete from quo; reset quote_all_identifiers; select ev(); call clr();
select pgq.drop_queue('q');
drop schema corners, "Shop" cascade;
reset search_path;
reset datestyle;
reset timezone;
reset client_min_messages;
\pset tuples_only
