-- ----------------------------------------------------------------------
-- Rights on what only this flavour has: helpers of functions that run with
-- the rights of their caller.
-- ----------------------------------------------------------------------

grant execute on function
    pgq._assert_current(integer, integer),
    pgq._count_event(text, integer, integer, integer)
    to pgq_admin;
