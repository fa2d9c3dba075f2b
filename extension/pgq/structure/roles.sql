-- Roles, before the rights that are given to them.
select pgq.upgrade_schema();
