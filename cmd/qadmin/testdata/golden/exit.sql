exit;
select 'not run';
