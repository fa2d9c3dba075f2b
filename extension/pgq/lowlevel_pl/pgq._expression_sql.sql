create or replace function pgq._expression_sql(i_expr text, i_names text[])
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._expression_sql(2)
--
--      Makes SQL of an expression in a trigger's arguments: what names a column
--      becomes a field of $1. A name is a word or a quoted identifier that is
--      exactly the column's, or a word that is so in lower case; not what stands
--      in a string or a comment, is part of a qualified name, a type after :: or
--      a function before (.
--
-- Parameters:
--      i_expr      - what may follow "select"
--      i_names     - columns
--
-- Returns:
--      the same as SQL
-- ----------------------------------------------------------------------
declare
    _rest text := i_expr;
    _sql text := '';
    _last text := '';
    _token text;
    _tag text;
    _name text;
begin
    while _rest <> '' loop
        -- the longest of these: E'' string; other string; quoted identifier; word or qualified
        -- name; number; blanks; line comment; comment (that they nest does not matter, as
        -- names may be replaced in them); run of signs that start none of the former
        _token := pg_catalog.substring(_rest, '^(?:'
            '[eE]''(?:[^''\\]|\\.|'''')*'''
            '|(?:[bBnNxX]|[uU]&)?''(?:[^'']|'''')*'''
            '|(?:[uU]&)?"(?:[^"]|"")*"'
            '|(?:[A-Za-z_]|[^\u0001-\u007f])(?:[A-Za-z0-9_$.]|[^\u0001-\u007f])*'
            '|[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?'
            '|\s+'
            '|--[^\n]*'
            '|/\*(?:[^*]|\*+[^*/])*\*+/'
            '|[][(),.:;<>=+*!~@#%^&|`?]+)');
        if _token is null then
            -- a string in dollar quotes, or any sign
            _tag := pg_catalog.substring(_rest, '^\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$');
            _token := _tag || pg_catalog.split_part(pg_catalog.substr(_rest, pg_catalog.length(_tag) + 1), _tag, 1) || _tag;
            if _token is null or not pg_catalog.starts_with(_rest, _token) then
                _token := pg_catalog.left(_rest, 1);
            end if;
        end if;
        _rest := pg_catalog.substr(_rest, pg_catalog.length(_token) + 1);

        _name := _token;
        if _token ~ '^".+"$' then
            _name := pg_catalog.replace(pg_catalog.substr(_token, 2, pg_catalog.length(_token) - 2), '""', '"');
        elsif _name <> all (i_names) then
            _name := pg_catalog.lower(_name collate "C");
        end if;
        if _name = any (i_names)
           and _token ~ '^(?:[A-Za-z_"]|[^\u0001-\u007f])'
           and _last !~ '(?:\.|::)$'
           and _rest !~ '^\s*[(.]'
        then
            _token := '($1).' || pg_catalog.quote_ident(_name);
        end if;
        _sql := _sql || _token;
        if _token !~ '^(?:\s|--|/\*)' then
            _last := _token;
        end if;
    end loop;
    return _sql;
end;
$$ language plpgsql immutable set search_path to pg_catalog, pg_temp set standard_conforming_strings to on;
comment on function pgq._expression_sql(text, text[]) is 'internal: makes SQL of an expression in the arguments of a trigger';
