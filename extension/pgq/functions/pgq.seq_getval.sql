create or replace function pgq.seq_getval(i_seq_name text)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.seq_getval(1)
--
--      Last value of a sequence, without touching it. An untouched sequence
--      shows its start value.
-- ----------------------------------------------------------------------
declare
    _value bigint;
begin
    execute 'select last_value from ' || pgq.quote_fqname(i_seq_name) into _value;
    return _value;
end;
$$ language plpgsql strict;
comment on function pgq.seq_getval(text) is 'Last value of a sequence, without touching it';
