create or replace function pgq.seq_setval(i_seq_name text, i_new_value bigint)
returns bigint as $$
-- ----------------------------------------------------------------------
-- Function: pgq.seq_setval(2)
--
--      Moves a sequence forward to i_new_value, never back.
--
-- Returns:
--      the sequence's last value afterwards
-- ----------------------------------------------------------------------
declare
    _value bigint;
begin
    _value := pgq.seq_getval(i_seq_name);
    if _value < i_new_value then
        perform pg_catalog.setval(pgq.quote_fqname(i_seq_name), i_new_value);
        _value := pgq.seq_getval(i_seq_name);
    end if;
    return _value;
end;
$$ language plpgsql strict;
comment on function pgq.seq_setval(text, bigint) is 'Moves a sequence forward, never back; returns where it stands';
