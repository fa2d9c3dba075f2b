create schema if not exists pgq_ext;
comment on schema pgq_ext is 'PgQ: how far consumers have come, kept in the database that they write to';
