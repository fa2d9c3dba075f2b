-- ----------------------------------------------------------------------
-- Type: pgq._columns
--
--      A table as the trigger functions see it, made by pgq._trigger_table().
--      But for generated and key, each array has one element for each column that is
--      not dropped, in table order.
--
--      names       - names
--      idents      - the same, quoted where necessary
--      urls        - the same, percent-encoded
--      jsons       - the same, as JSON strings
--      kinds       - what becomes of a value: b boolean, i integer, d date or
--                    time stamp, s anything else (these differ in JSON only);
--                    m magic column; v virtual column, which has no value in a
--                    trigger and is left out
--      compares    - what the texts of two values say about their equality:
--                    e equal if and only if the texts are
--                    l equal if the texts are (but 1.0 and 1.00 are equal, too)
--                    u nothing
--                    t the texts count, not the type's equality
--      generated   - those of the columns that are stored generated ones
--      key         - columns of the primary key in the order of its index,
--                    without those it only includes; empty if there is none
--
--      and for pgq._trigger_put():
--
--      url_format  - for format(), with =VALUE as an argument for each column;
--                    NULL if there are magic or virtual columns
--      key_list    - the key, with commas
--      key_regex   - matches a row's text up to the last column of the key; NULL
--                    if rows alike there could still differ in the key
-- ----------------------------------------------------------------------
do $$
begin
    if pg_catalog.to_regtype('pgq._columns') is null then
        create type pgq._columns as (
            names text[],
            idents text[],
            urls text[],
            jsons text[],
            kinds text[],
            compares text[],
            generated text[],
            key text[],
            url_format text,
            key_list text,
            key_regex text
        );
    end if;
end;
$$;
comment on type pgq._columns is 'internal: a table as the trigger functions see it';
