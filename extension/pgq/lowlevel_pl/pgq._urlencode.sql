create or replace function pgq._urlencode(val text)
returns text as $$
-- ----------------------------------------------------------------------
-- Function: pgq._urlencode(1)
--
--      Percent-encodes the bytes of a text in the server's encoding:
--      A-Z a-z 0-9 _ . - stay, a blank becomes +, any other byte becomes %
--      and two lower-case hex digits.
--
--      One replace() for each character that may occur is far cheaper than a
--      look at each character of the text. What is rare is searched for.
--      Everything is named in full, as the caller may have any search_path.
--
-- Parameters:
--      val         - text to encode
--
-- Returns:
--      encoded text
-- ----------------------------------------------------------------------
declare
    _single pg_catalog.bool := true;
    _rest pg_catalog.text;
    _char pg_catalog.text;
begin
    -- % goes first and the blank last, since they are what is put in.
    val := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
           pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(val,
           '%', '%25'), ':', '%3a'), '+', '%2b'), ',', '%2c'), '/', '%2f'), '"', '%22'), '''', '%27'), '@', '%40'),
           E'\x01', '%01'); -- between the values of a row

    if val operator(pg_catalog.!~) '^[-A-Za-z0-9_.% ]*$' then
        if pg_catalog.octet_length(val) operator(pg_catalog.<>) pg_catalog.length(val) then
            -- In UTF8 see its bytes as LATIN1 characters: there are few of them.
            _single := pg_catalog.getdatabaseencoding() operator(pg_catalog.=) 'UTF8';
            if _single then
                val := pg_catalog.convert_from(pg_catalog.convert_to(val, 'UTF8'), 'LATIN1');
            end if;
        end if;
        _rest := pg_catalog.regexp_replace(val, '[-A-Za-z0-9_.% ]+', '', 'g');
        while _rest operator(pg_catalog.<>) '' loop
            _char := pg_catalog.left(_rest, 1);
            _rest := pg_catalog.replace(_rest, _char, '');
            if _single then
                val := pg_catalog.replace(val, _char,
                    pg_catalog.concat('%', pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.ascii(_char)), 2, '0')));
            else
                val := pg_catalog.replace(val, _char, pg_catalog.regexp_replace(
                    pg_catalog.encode(pg_catalog.convert_to(_char, pg_catalog.getdatabaseencoding()), 'hex'),
                    '(..)', E'%\\1', 'g'));
            end if;
        end loop;
    end if;
    return pg_catalog.replace(val, ' ', '+');
end;
$$ language plpgsql strict immutable;
comment on function pgq._urlencode(text) is 'internal: percent-encodes a text as pgq.logutriga() does';
