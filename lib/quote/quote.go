// Package quote writes and reads the small notations of PgQ and PostgreSQL:
// identifiers, literals, qualified names, and the url-encoded pairs in which
// row triggers put a row. It knows the server's rules and asks no server.
package quote

import "strings"

// keywords are the words that the server quotes although their letters would
// not need it: all but the unreserved ones of PostgreSQL 14 to 18.
var keywords = wordSet(`
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean
both case cast char character check coalesce collate collation column concurrently constraint
create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user dec decimal default deferrable desc distinct do else end except
exists extract false fetch float for foreign freeze from full grant greatest group grouping having
ilike in initially inner inout int integer intersect interval into is isnull join json json_array
json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
json_table json_value lateral leading least left like limit localtime localtimestamp merge_action
national natural nchar none normalize not notnull null nullif numeric offset on only or order out
outer overlaps overlay placing position precision primary real references returning right row
select session_user setof similar smallint some substring symmetric system_user table tablesample
then time timestamp to trailing treat trim true union unique user using values varchar variadic
verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest
xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`)

func wordSet(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Ident quotes an identifier where that is needed, as quote_ident does.
func Ident(name string) string {
	if isPlain(name) && !keywords[name] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// isPlain tells whether name is read back as it is without quotes.
func isPlain(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Literal quotes a string constant, as quote_literal does. The result means
// the same whatever standard_conforming_strings says.
func Literal(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		q = "E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}

// SplitName splits an unquoted qualified name at its first dot, as PgQ writes
// them: what follows may hold dots. Without a dot the schema is public.
func SplitName(name string) (schema, object string) {
	schema, object, ok := strings.Cut(name, ".")
	if !ok {
		return "public", name
	}
	return schema, object
}

// Name quotes an unquoted qualified name, as pgq.quote_fqname does.
func Name(name string) string {
	schema, object := SplitName(name)
	return Ident(schema) + "." + Ident(object)
}
