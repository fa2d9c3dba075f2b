-- what tables of older versions lack
select pgq_node.upgrade_schema();
