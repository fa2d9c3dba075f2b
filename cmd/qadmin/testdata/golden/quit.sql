\echo before
quit;
select 'not run';
