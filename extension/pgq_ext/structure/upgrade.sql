-- moves the positions of a 3.1 installation, before the views take the names
select pgq_ext.upgrade_schema();
