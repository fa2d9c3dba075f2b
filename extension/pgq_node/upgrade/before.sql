-- of all functions since 3.2, this one got more columns
do $$
declare
    _it text;
begin
    select p.oid::regprocedure into _it
      from pg_catalog.pg_proc p
     where p.pronamespace = pg_catalog.to_regnamespace('pgq_node')
       and p.proname = 'get_node_info'
       and not p.proargnames @> '{node_attrs,target_for}';
    if found then
        execute 'drop function ' || _it;
    end if;
end;
$$;
