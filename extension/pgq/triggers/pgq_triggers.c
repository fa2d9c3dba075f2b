/*
 * pgq_triggers: row triggers that put changes into a queue.
 *
 * The same as pgq.logutriga(), pgq.sqltriga() and pgq.jsontriga() of
 * lowlevel_pl/, where the arguments and events are described. Here the
 * arguments and the table are looked at once, until the table changes; the
 * event goes to pgq_lowlevel directly, if pgq.insert_event() is that library's.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pgq_compat.h"
#include "pgq_lowlevel.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

typedef enum Format
{
	FORMAT_URL,					/* a=1&b=x+y&c */
	FORMAT_SQL,					/* (a,b) values ('1','x') */
	FORMAT_JSON,				/* {"a":1,"b":"x"} */
	FORMAT_OLD					/* SQL, by the arguments of Skytools 2 */
} Format;

typedef enum Op
{
	OP_INSERT, OP_UPDATE, OP_DELETE, OP_TRUNCATE,
	OP_COUNT
} Op;

static const char *const op_names[OP_COUNT] = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"};

/* Fields of an event, and what else an expression may decide. */
enum
{
	F_TYPE, F_DATA, F_EXTRA1, F_EXTRA2, F_EXTRA3, F_EXTRA4,
	F_WHEN,
	EXPRESSIONS
};

static const char *const field_names[EXPRESSIONS] = {
	"ev_type", "ev_data", "ev_extra1", "ev_extra2", "ev_extra3", "ev_extra4", "when"
};

/* How a column is printed. */
typedef enum Output
{
	OUT_FUNCTION,				/* by its type's function */
	OUT_TEXT,					/* is its text */
	OUT_INT2, OUT_INT4, OUT_INT8,
	OUT_BOOL,
	OUT_DATETIME				/* in JSON not by its type's function */
} Output;

typedef struct Column
{
	int			index;			/* in the row */
	const char *name;
	const char *label;			/* name, as it is written in events */
	int			label_len;
	bool		key;
	bool		hidden;			/* left out of the row */
	bool		generated;		/* has no value before the operation */
	int			magic;			/* field that it replaces; -1: none; -2: unknown */

	Oid			type;
	Output		output;
	FmgrInfo	out;
	bool		by_value;
	int16		len;
	bool		has_eq;			/* else texts are compared */
	FmgrInfo	eq;
	Oid			collation;
} Column;

typedef struct Expression
{
	bool		given;
	const char *constant;		/* needs no query; NULL: has one, or is null */
	bool		is_string;		/* constant is there */
	const char *sql;
	int			nargs;
	int		   *args;			/* columns */
	Oid		   *types;
	SPIPlanPtr	plan;
	MemoryContextCallback callback;
} Expression;

/* What is known about a trigger; all in its own memory context. */
typedef struct Trigga
{
	const char *queue;
	int			queue_len;
	bool		skip;
	bool		backup;
	bool		deny;
	bool		ignore;			/* ignore= is given */
	bool		pkey;			/* pkey= is given */
	bool		has_magic;
	bool		has_expressions;
	Expression	exprs[EXPRESSIONS];

	Format		asked;			/* what the function stands for */
	Format		format;			/* what that means */
	int			ncolumns;
	Column	   *columns;		/* in table order, without dropped ones */
	int			nkeys;
	const char *table;			/* schema.table, unquoted */
	Datum		types[OP_COUNT];	/* ev_type */
	Datum		extra1;

	MemoryContext context;
} Trigga;

/* Entry of the table of triggers. */
typedef struct Entry
{
	Oid			oid;			/* of the trigger */
	Oid			relid;
	Trigga	   *info;			/* NULL: yet to be made */
	bool		stale;
} Entry;

/*
 * State of the session: triggers that were fired, and what is known about
 * pgq.insert_event(). Invalidation callbacks only mark what is stale.
 */
static HTAB *entries = NULL;

static struct
{
	bool		known;
	Oid			oid;
	Oid			owner;
	bool		direct;			/* is the one of pgq_lowlevel */
	Oid			user;			/* who may execute it; InvalidOid: not known */
}			producer;

/* Function of pgq_lowlevel; NULL: not looked for, or not there. */
static pgq_put_event_type put_event = NULL;
static bool put_event_sought = false;

static void forget_table(Datum arg, Oid relid);
static void forget_names(Datum arg, int cacheid, uint32 hashvalue);
static void forget_producer(Datum arg, int cacheid, uint32 hashvalue);

void
_PG_init(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Entry);
	entries = hash_create("pgq triggers", 64, &ctl, HASH_ELEM | HASH_BLOBS);

	CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_names, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_producer, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_producer, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_producer, (Datum) 0);
}

static void
forget_table(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	Entry	   *e;

	hash_seq_init(&seq, entries);
	while ((e = hash_seq_search(&seq)) != NULL)
	{
		if (!OidIsValid(relid) || e->relid == relid)
			e->stale = true;
	}
}

static void
forget_names(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_table((Datum) 0, InvalidOid);
	producer.known = false;
}

static void
forget_producer(Datum arg, int cacheid, uint32 hashvalue)
{
	producer.known = false;
}

/* Errors have the SQLSTATE that PL/pgSQL gives them in the other flavour. */
#define fail(message) ereport(ERROR, (errcode(ERRCODE_RAISE_EXCEPTION), errmsg("%s", message)))

/* ----------
 * Texts
 * ----------
 */

/* Starts a text datum that is built in place. */
static void
text_begin(StringInfo buf)
{
	initStringInfo(buf);
	buf->len = VARHDRSZ;
}

static Datum
text_end(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return PointerGetDatum(buf->data);
}

/* Appends percent-encoded bytes. */
static void
append_url(StringInfo buf, const char *s, int len)
{
	static const char hex[] = "0123456789abcdef";
	char	   *dst;

	if (len > (int) (MaxAllocSize / 4))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of %d bytes is too long for an event", len)));
	enlargeStringInfo(buf, 3 * len);
	dst = buf->data + buf->len;
	for (const char *end = s + len; s < end; s++)
	{
		unsigned char c = (unsigned char) *s;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			c == '_' || c == '.' || c == '-')
			*dst++ = c;
		else if (c == ' ')
			*dst++ = '+';
		else
		{
			*dst++ = '%';
			*dst++ = hex[c >> 4];
			*dst++ = hex[c & 15];
		}
	}
	*dst = '\0';
	buf->len = dst - buf->data;
}

/* Appends a JSON string. */
static void
append_json(StringInfo buf, const char *s, int len)
{
	const char *end = s + len;
	const char *run = s;

	appendStringInfoCharMacro(buf, '"');
	for (; s < end; s++)
	{
		unsigned char c = (unsigned char) *s;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		appendBinaryStringInfo(buf, run, s - run);
		run = s + 1;
		switch (c)
		{
			case '\b':
				appendStringInfoString(buf, "\\b");
				break;
			case '\f':
				appendStringInfoString(buf, "\\f");
				break;
			case '\n':
				appendStringInfoString(buf, "\\n");
				break;
			case '\r':
				appendStringInfoString(buf, "\\r");
				break;
			case '\t':
				appendStringInfoString(buf, "\\t");
				break;
			case '"':
				appendStringInfoString(buf, "\\\"");
				break;
			case '\\':
				appendStringInfoString(buf, "\\\\");
				break;
			default:
				appendStringInfo(buf, "\\u%04x", c);
		}
	}
	appendBinaryStringInfo(buf, run, end - run);
	appendStringInfoCharMacro(buf, '"');
}

/* Appends an SQL literal. */
static void
append_literal(StringInfo buf, const char *s, int len)
{
	const char *end = s + len;

	if (memchr(s, '\\', len) != NULL)
		appendStringInfoCharMacro(buf, 'E');
	appendStringInfoCharMacro(buf, '\'');
	for (; s < end; s++)
	{
		if (*s == '\'' || *s == '\\')
			appendStringInfoCharMacro(buf, *s);
		appendStringInfoCharMacro(buf, *s);
	}
	appendStringInfoCharMacro(buf, '\'');
}

/* The longest number. */
#define NUMBER_LEN 32

/*
 * Text of a value that is not NULL. It is in number, or in memory of the
 * current context, or in the row, and without a NUL at its end.
 */
static const char *
value_text(Column *col, Datum value, char *number, int *len)
{
	const char *s;

	switch (col->output)
	{
		case OUT_TEXT:
			{
				text	   *t = DatumGetTextPP(value);

				*len = VARSIZE_ANY_EXHDR(t);
				return VARDATA_ANY(t);
			}
		case OUT_INT2:
			*len = pg_ltoa(DatumGetInt16(value), number);
			return number;
		case OUT_INT4:
			*len = pg_ltoa(DatumGetInt32(value), number);
			return number;
		case OUT_INT8:
			*len = pg_lltoa(DatumGetInt64(value), number);
			return number;
		case OUT_BOOL:
			*len = 1;
			return DatumGetBool(value) ? "t" : "f";
		default:
			s = OutputFunctionCall(&col->out, value);
			*len = strlen(s);
			return s;
	}
}

/* Appends a value as the format writes it. */
static void
append_value(StringInfo buf, Format format, Column *col, Datum value)
{
	char		number[NUMBER_LEN];
	const char *s;
	int			len;

	if (format == FORMAT_JSON)
	{
		if (col->output == OUT_BOOL)
		{
			appendStringInfoString(buf, DatumGetBool(value) ? "true" : "false");
			return;
		}
		if (col->output == OUT_DATETIME)
		{
			char		iso[MAXDATELEN + 1];

			JsonEncodeDateTime(iso, value, col->type, NULL);
			append_json(buf, iso, strlen(iso));
			return;
		}
	}

	s = value_text(col, value, number, &len);
	if (format == FORMAT_URL)
	{
		if (s == number)
			appendBinaryStringInfo(buf, s, len);
		else
			append_url(buf, s, len);
	}
	else if (format == FORMAT_SQL)
		append_literal(buf, s, len);
	else if (s == number)
		appendBinaryStringInfo(buf, s, len);
	else
		append_json(buf, s, len);
}

/* ----------
 * Rows
 * ----------
 */

typedef struct Row
{
	Datum	   *values;
	bool	   *nulls;
} Row;

static void
take_row(Row *row, HeapTuple tuple, TupleDesc desc)
{
	row->values = palloc(desc->natts * (sizeof(Datum) + sizeof(bool)) + 1);
	row->nulls = (bool *) (row->values + desc->natts);
	heap_deform_tuple(tuple, desc, row->values, row->nulls);
}

static Datum
row_url(Trigga *t, const Row *row, Format labels)
{
	StringInfoData buf;
	bool		first = true;

	text_begin(&buf);
	for (int i = 0; i < t->ncolumns; i++)
	{
		Column	   *col = &t->columns[i];

		if (col->hidden)
			continue;
		if (!first)
			appendStringInfoCharMacro(&buf, '&');
		first = false;
		/* a backup of sqltriga: its labels are identifiers */
		if (labels == FORMAT_URL)
			appendBinaryStringInfo(&buf, col->label, col->label_len);
		else
			append_url(&buf, col->name, strlen(col->name));
		if (!row->nulls[col->index])
		{
			appendStringInfoCharMacro(&buf, '=');
			append_value(&buf, FORMAT_URL, col, row->values[col->index]);
		}
	}
	return text_end(&buf);
}

static Datum
row_json(Trigga *t, const Row *row)
{
	StringInfoData buf;
	char		sep = '{';

	text_begin(&buf);
	for (int i = 0; i < t->ncolumns; i++)
	{
		Column	   *col = &t->columns[i];

		if (col->hidden)
			continue;
		appendStringInfoCharMacro(&buf, sep);
		sep = ',';
		appendBinaryStringInfo(&buf, col->label, col->label_len);
		appendStringInfoCharMacro(&buf, ':');
		if (row->nulls[col->index])
			appendBinaryStringInfo(&buf, "null", 4);
		else
			append_value(&buf, FORMAT_JSON, col, row->values[col->index]);
	}
	if (sep == '{')
		appendStringInfoCharMacro(&buf, '{');
	appendStringInfoCharMacro(&buf, '}');
	return text_end(&buf);
}

/* Appends column=value; the value may be NULL. */
static void
append_assignment(StringInfo buf, Column *col, const Row *row)
{
	appendBinaryStringInfo(buf, col->label, col->label_len);
	appendStringInfoCharMacro(buf, '=');
	if (row->nulls[col->index])
		appendBinaryStringInfo(buf, "NULL", 4);
	else
		append_value(buf, FORMAT_SQL, col, row->values[col->index]);
}

static Datum
row_sql(Trigga *t, Op op, const Row *row, const Row *old, const bool *changed)
{
	StringInfoData buf;
	const char *sep = "";
	bool		first = true;

	text_begin(&buf);
	if (op == OP_INSERT)
	{
		appendStringInfoCharMacro(&buf, '(');
		for (int i = 0; i < t->ncolumns; i++)
		{
			Column	   *col = &t->columns[i];

			if (col->hidden)
				continue;
			if (!first)
				appendStringInfoCharMacro(&buf, ',');
			first = false;
			appendBinaryStringInfo(&buf, col->label, col->label_len);
		}
		appendStringInfoString(&buf, ") values (");
		first = true;
		for (int i = 0; i < t->ncolumns; i++)
		{
			Column	   *col = &t->columns[i];

			if (col->hidden)
				continue;
			if (!first)
				appendStringInfoCharMacro(&buf, ',');
			first = false;
			if (row->nulls[col->index])
				appendBinaryStringInfo(&buf, "null", 4);
			else
				append_value(&buf, FORMAT_SQL, col, row->values[col->index]);
		}
		appendStringInfoCharMacro(&buf, ')');
		return text_end(&buf);
	}

	for (int i = 0; i < t->ncolumns; i++)
	{
		if (t->columns[i].key && old->nulls[t->columns[i].index])
			fail("logtriga: Unexpected NULL key value");
	}
	if (op == OP_UPDATE)
	{
		Column	   *first_key = NULL;

		for (int i = 0; i < t->ncolumns; i++)
		{
			Column	   *col = &t->columns[i];

			if (col->key && first_key == NULL)
				first_key = col;
			if (!changed[i] || col->hidden)
				continue;
			if (!first)
				appendStringInfoCharMacro(&buf, ',');
			first = false;
			append_assignment(&buf, col, row);
		}
		/* An UPDATE that changes nothing sets a part of the key to itself. */
		if (first && first_key != NULL)
			append_assignment(&buf, first_key, old);
		appendStringInfoString(&buf, " where ");
	}
	for (int i = 0; i < t->ncolumns; i++)
	{
		if (!t->columns[i].key)
			continue;
		appendStringInfoString(&buf, sep);
		sep = " and ";
		append_assignment(&buf, &t->columns[i], old);
	}
	return text_end(&buf);
}

/*
 * Are two values equal, as the equality of their type sees it: numeric 1.50
 * and 1.5000 are. Arrays, and types without equality, are compared by texts.
 */
static bool
same_value(Column *col, const Row *a, const Row *b)
{
	Datum		x = a->values[col->index];
	Datum		y = b->values[col->index];
	char		xn[NUMBER_LEN];
	char		yn[NUMBER_LEN];
	const char *xs;
	const char *ys;
	int			xlen;
	int			ylen;

	if (a->nulls[col->index] || b->nulls[col->index])
		return a->nulls[col->index] == b->nulls[col->index];

	if (col->by_value)
	{
		if (x == y)
			return true;
	}
	else if (col->len == -1 && VARATT_IS_EXTERNAL(DatumGetPointer(x)) && VARATT_IS_EXTERNAL(DatumGetPointer(y)))
	{
		/* what an UPDATE leaves alone is still at the same place of the toast table */
		if (VARSIZE_EXTERNAL(DatumGetPointer(x)) == VARSIZE_EXTERNAL(DatumGetPointer(y)) &&
			memcmp(DatumGetPointer(x), DatumGetPointer(y), VARSIZE_EXTERNAL(DatumGetPointer(x))) == 0)
			return true;
	}
	if (!col->by_value && datum_image_eq(x, y, false, col->len))
		return true;
	if (col->has_eq)
		return DatumGetBool(FunctionCall2Coll(&col->eq, col->collation, x, y));

	xs = value_text(col, x, xn, &xlen);
	ys = value_text(col, y, yn, &ylen);
	return xlen == ylen && memcmp(xs, ys, xlen) == 0;
}

/* ----------
 * Arguments and tables
 * ----------
 */

/* Splits a list at commas, without blanks around the names. */
static List *
split_list(const char *list)
{
	List	   *names = NIL;

	for (const char *p = list;;)
	{
		const char *end = p + strcspn(p, ",");
		const char *a = p;
		const char *b = end;

		while (a < b && isspace((unsigned char) *a))
			a++;
		while (b > a && isspace((unsigned char) b[-1]))
			b--;
		if (b > a)
			names = lappend(names, pnstrdup(a, b - a));
		if (*end == '\0')
			return names;
		p = end + 1;
	}
}

static Column *
find_column(Trigga *t, const char *name)
{
	for (int i = 0; i < t->ncolumns; i++)
	{
		if (strcmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	}
	return NULL;
}

static void
learn_column(Column *col, Form_pg_attribute att, Format format)
{
	StringInfoData label;
	Oid			base = getBaseType(att->atttypid);
	Oid			out;
	bool		varlena;

	col->index = att->attnum - 1;
	col->name = pstrdup(NameStr(att->attname));
	col->generated = att->attgenerated == 's';
	col->magic = -1;
	/* a virtual column has no value in a trigger */
	col->hidden = att->attgenerated == 'v';
	if (!col->hidden && strncmp(col->name, "_pgq_ev_", 8) == 0)
	{
		col->hidden = true;
		col->magic = -2;
		for (int f = F_TYPE; f <= F_EXTRA4; f++)
		{
			if (strcmp(col->name + 5, field_names[f]) == 0)
				col->magic = f;
		}
	}

	initStringInfo(&label);
	switch (format)
	{
		case FORMAT_URL:
			append_url(&label, col->name, strlen(col->name));
			break;
		case FORMAT_JSON:
			append_json(&label, col->name, strlen(col->name));
			break;
		default:
			{
				/* only where necessary, whatever the user likes elsewhere */
				bool		save = quote_all_identifiers;

				quote_all_identifiers = false;
				appendStringInfoString(&label, quote_identifier(col->name));
				quote_all_identifiers = save;
			}
	}
	col->label = label.data;
	col->label_len = label.len;

	col->type = att->atttypid;
	col->by_value = att->attbyval;
	col->len = att->attlen;
	col->collation = att->attcollation;
	getTypeOutputInfo(att->atttypid, &out, &varlena);
	fmgr_info_cxt(out, &col->out, CurrentMemoryContext);
	switch (att->atttypid)
	{
		case BOOLOID:
			col->output = OUT_BOOL;
			break;
		case INT2OID:
			col->output = OUT_INT2;
			break;
		case INT4OID:
			col->output = OUT_INT4;
			break;
		case INT8OID:
			col->output = OUT_INT8;
			break;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
			col->output = OUT_TEXT;
			break;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			col->output = OUT_DATETIME;
			break;
		default:
			/* a domain has the text of what it is over */
			col->output = base == TEXTOID || base == VARCHAROID || base == BPCHAROID ? OUT_TEXT : OUT_FUNCTION;
	}

	if (!OidIsValid(get_element_type(base)))
	{
		TypeCacheEntry *typ = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);

		if (OidIsValid(typ->eq_opr_finfo.fn_oid))
		{
			col->has_eq = true;
			fmgr_info_cxt(typ->eq_opr_finfo.fn_oid, &col->eq, CurrentMemoryContext);
		}
	}
}

/* Names of the primary key's columns, in the order of its index. */
static List *
primary_key(Relation rel)
{
	List	   *names = NIL;
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisprimary)
		{
			for (int i = 0; i < index->rd_index->indnkeyatts; i++)
			{
				Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), index->rd_index->indkey.values[i] - 1);

				names = lappend(names, pstrdup(NameStr(att->attname)));
			}
		}
		index_close(index, AccessShareLock);
	}
	return names;
}

/* Splits at commas, leaving the blanks. */
static List *
split_raw(const char *list)
{
	List	   *names = NIL;

	if (*list == '\0')
		return NIL;
	for (;;)
	{
		int			len = strcspn(list, ",");

		names = lappend(names, pnstrdup(list, len));
		if (list[len] == '\0')
			return names;
		list += len + 1;
	}
}

/* ev_type of each operation. */
static void
make_types(Trigga *t, Relation rel, const char *schema, List *key, const char *pkey)
{
	for (int op = 0; op < OP_COUNT; op++)
	{
		StringInfoData buf;
		ListCell   *lc;
		const char *sep = "";

		text_begin(&buf);
		if (t->format == FORMAT_JSON)
		{
			appendStringInfo(&buf, "{\"op\":\"%s\",\"table\":[", op_names[op]);
			append_json(&buf, schema, strlen(schema));
			appendStringInfoChar(&buf, ',');
			append_json(&buf, RelationGetRelationName(rel), strlen(RelationGetRelationName(rel)));
			appendStringInfoString(&buf, "],\"pkey\":[");
			foreach(lc, pkey == NULL ? key : split_raw(pkey))
			{
				appendStringInfoString(&buf, sep);
				append_json(&buf, lfirst(lc), strlen(lfirst(lc)));
				sep = ",";
			}
			appendStringInfoString(&buf, "]}");
		}
		else
		{
			appendStringInfoChar(&buf, "IUDR"[op]);
			if (t->format == FORMAT_URL && op != OP_TRUNCATE)
			{
				appendStringInfoChar(&buf, ':');
				if (pkey != NULL)
					appendStringInfoString(&buf, pkey);
				else
				{
					foreach(lc, key)
					{
						appendStringInfo(&buf, "%s%s", sep, (char *) lfirst(lc));
						sep = ",";
					}
				}
			}
		}
		t->types[op] = text_end(&buf);
	}
}

/* ----------
 * Expressions
 * ----------
 */

static inline bool
is_word_start(char c)
{
	return c == '_' || isalpha((unsigned char) c) || IS_HIGHBIT_SET(c);
}

static inline bool
is_word(char c)
{
	return is_word_start(c) || isdigit((unsigned char) c) || c == '$' || c == '.';
}

/* End of a string in quotes that starts at p, where a doubled quote is one. */
static const char *
quoted_end(const char *p, bool backslash)
{
	char		quote = *p++;

	for (; *p != '\0'; p++)
	{
		if (backslash && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == quote)
		{
			if (p[1] != quote)
				return p + 1;
			p++;
		}
	}
	return p;
}

/* End of the token at p; is_name: it could be a column. */
static const char *
token_end(const char *p, bool *is_name)
{
	const char *q = p;

	*is_name = false;
	if (p[0] == '\'')
		return quoted_end(p, false);
	if (p[0] == '"')
	{
		*is_name = true;
		return quoted_end(p, false);
	}
	if ((p[0] == 'u' || p[0] == 'U') && p[1] == '&' && (p[2] == '\'' || p[2] == '"'))
		return quoted_end(p + 2, false);
	if (p[0] != '\0' && strchr("eEbBnNxX", p[0]) != NULL && p[1] == '\'')
		return quoted_end(p + 1, p[0] == 'e' || p[0] == 'E');
	if (is_word_start(p[0]))
	{
		while (is_word(*q))
			q++;
		*is_name = true;
		return q;
	}
	if (isdigit((unsigned char) p[0]) || (p[0] == '.' && isdigit((unsigned char) p[1])))
	{
		while (isdigit((unsigned char) *q) || *q == '.')
			q++;
		if ((*q == 'e' || *q == 'E') && (isdigit((unsigned char) q[1]) ||
										 ((q[1] == '+' || q[1] == '-') && isdigit((unsigned char) q[2]))))
		{
			q += 2;
			while (isdigit((unsigned char) *q))
				q++;
		}
		return q;
	}
	if (p[0] == '-' && p[1] == '-')
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*')
	{
		q = strstr(p + 2, "*/");
		return q == NULL ? p + strlen(p) : q + 2;
	}
	if (p[0] == '$')
	{
		for (q = p + 1; *q != '$' && is_word(*q) && *q != '.'; q++)
			;
		if (*q == '$')
		{
			char	   *tag = pnstrdup(p, q + 1 - p);
			const char *end = strstr(q + 1, tag);

			if (end != NULL)
				return end + strlen(tag);
		}
	}
	return p + 1;
}

/*
 * Makes a query of an expression: what names a column becomes a parameter. A
 * name is a word or a quoted identifier that is exactly the column's, or a word
 * that is so in lower case; not what stands in a string or a comment, is part of
 * a qualified name, a type after :: or a function before (.
 */
static void
parse_expression(Trigga *t, Expression *e, TupleDesc desc, const char *expr)
{
	static const char blanks[] = " \t\r\n;";
	StringInfoData sql;
	const char *last = "";
	int			last_len = 0;
	char	   *trimmed;
	int			len;
	int		   *param = palloc0(t->ncolumns * sizeof(int) + 1);

	expr += strspn(expr, blanks);
	len = strlen(expr);
	while (len > 0 && strchr(blanks, expr[len - 1]) != NULL)
		len--;
	trimmed = pnstrdup(expr, len);

	memset(e, 0, sizeof(*e));
	e->given = true;
	if (len == 0)
		return;
	/* a plain string, the name of a partitioned table maybe, needs no query */
	if (len >= 2 && trimmed[0] == '\'' && (int) strcspn(trimmed + 1, "'\\") == len - 2 && trimmed[len - 1] == '\'')
	{
		e->is_string = true;
		e->constant = pnstrdup(trimmed + 1, len - 2);
		return;
	}

	e->args = palloc(t->ncolumns * sizeof(int) + 1);
	e->types = palloc(t->ncolumns * sizeof(Oid) + 1);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "select q.v from (select ");
	for (const char *p = trimmed; *p != '\0';)
	{
		bool		is_name;
		const char *end = token_end(p, &is_name);
		const char *next = end;
		Column	   *col = NULL;

		while (isspace((unsigned char) *next))
			next++;
		if (is_name && *next != '(' && *next != '.' &&
			!(last_len > 0 && last[last_len - 1] == '.') &&
			!(last_len > 1 && last[last_len - 1] == ':' && last[last_len - 2] == ':'))
		{
			char	   *name = pnstrdup(p, end - p);

			if (*name == '"')
			{
				char	   *dst = name;

				for (const char *src = name + 1; *src != '\0' && !(src[0] == '"' && src[1] == '\0'); src++)
				{
					*dst++ = *src;
					if (*src == '"')
						src++;
				}
				*dst = '\0';
			}
			col = find_column(t, name);
			if (col == NULL && *p != '"')
			{
				for (char *c = name; *c != '\0'; c++)
					*c = pg_ascii_tolower(*c);
				col = find_column(t, name);
			}
		}
		if (col != NULL)
		{
			int			i = col - t->columns;

			if (param[i] == 0)
			{
				e->args[e->nargs] = i;
				e->types[e->nargs] = col->type;
				param[i] = ++e->nargs;
			}
			appendStringInfo(&sql, "$%d", param[i]);
			/* a parameter must not run into what follows */
			if (is_word(*end))
				appendStringInfoChar(&sql, ' ');
		}
		else
			appendBinaryStringInfo(&sql, p, end - p);
		if (!isspace((unsigned char) *p) && strncmp(p, "--", 2) != 0 && strncmp(p, "/*", 2) != 0)
		{
			/* signs are taken one by one: what is before them counts as well */
			last = last_len > 0 && last + last_len == p ? last : p;
			last_len = end - last;
		}
		p = end;
	}
	appendStringInfoString(&sql, "\n) q(v)");
	e->sql = sql.data;
}

static void
free_plan(void *arg)
{
	Expression *e = arg;

	if (e->plan != NULL)
		SPI_freeplan(e->plan);
}

/*
 * Puts what the expressions give into an event. They are evaluated with the
 * user's settings and rights, and cannot write.
 *
 * Returns false if there shall be no event.
 */
static bool
evaluate_expressions(Trigga *t, const Row *row, Datum *fields, bool *nulls)
{
	for (int f = 0; f < EXPRESSIONS; f++)
	{
		Expression *e = &t->exprs[f];
		const char *value = NULL;
		Oid			type = InvalidOid;
		MemoryContext old = CurrentMemoryContext;

		if (!e->given)
			continue;
		if (e->is_string)
		{
			value = e->constant;
			type = TEXTOID;
		}
		else if (e->sql != NULL)
		{
			Datum	   *args = palloc(e->nargs * sizeof(Datum) + 1);
			char	   *arg_nulls = palloc(e->nargs + 1);
			char	   *printed;

			for (int i = 0; i < e->nargs; i++)
			{
				int			index = t->columns[e->args[i]].index;

				args[i] = row->values[index];
				arg_nulls[i] = row->nulls[index] ? 'n' : ' ';
			}
			SPI_connect();
			if (e->plan == NULL)
			{
				SPIPlanPtr	plan = SPI_prepare(e->sql, e->nargs, e->types);

				if (plan == NULL || SPI_keepplan(plan) != 0)
					elog(ERROR, "could not plan \"%s\"", e->sql);
				e->plan = plan;
				e->callback.func = free_plan;
				e->callback.arg = e;
				MemoryContextRegisterResetCallback(t->context, &e->callback);
			}
			if (SPI_execute_plan(e->plan, args, arg_nulls, true, 0) != SPI_OK_SELECT)
				elog(ERROR, "could not execute \"%s\"", e->sql);
			if (SPI_processed != 1)
				ereport(ERROR,
						(errcode(ERRCODE_RAISE_EXCEPTION),
						 errmsg("Expect 1 row from override query, got %llu", (unsigned long long) SPI_processed)));
			type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);
			printed = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			if (printed != NULL)
				value = MemoryContextStrdup(old, printed);
			SPI_finish();
		}

		if (f != F_WHEN)
		{
			nulls[f] = value == NULL;
			fields[f] = value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
		}
		else if (type != BOOLOID)
			ereport(ERROR,
					(errcode(ERRCODE_RAISE_EXCEPTION),
					 errmsg("when= query result must be boolean, got=%u", type)));
		else if (value == NULL)
			fail("when= should not be NULL");
		else if (*value == 'f')
			return false;
	}
	return true;
}

/* ----------
 * Cache
 * ----------
 */

/*
 * Arguments of Skytools 2: the queue, a letter for each column, which is k for
 * the key and v for what is put into events as well, and a third one that is
 * not used.
 */
static void
take_old_arguments(Trigga *t, Trigger *trigger)
{
	int			kinds;

	if (trigger->tgnargs < 2 || trigger->tgnargs > 3)
		fail("pgq.logtriga must be used with 2 or 3 args");
	kinds = strlen(trigger->tgargs[1]);
	for (int i = 0; i < t->ncolumns; i++)
	{
		char		kind = i < kinds ? trigger->tgargs[1][i] : 'i';

		if (kind == 'k')
		{
			t->columns[i].key = true;
			t->nkeys++;
		}
		if (kind == 'i')
			t->columns[i].hidden = true;
	}
	if (t->nkeys == 0)
		fail("need at least one key column");
}

/* Looks at the arguments and the table. */
static Trigga *
make_trigga(TriggerData *td, Format format, MemoryContext context)
{
	Relation	rel = td->tg_relation;
	TupleDesc	desc = RelationGetDescr(rel);
	Trigger    *trigger = td->tg_trigger;
	char	   *schema = get_namespace_name(RelationGetNamespace(rel));
	Trigga	   *t = palloc0(sizeof(Trigga));
	const char *exprs[EXPRESSIONS] = {NULL};
	const char *ignore = NULL;
	const char *pkey = NULL;
	List	   *key = NIL;
	ListCell   *lc;
	bool		old = format == FORMAT_OLD;

	t->context = context;
	t->asked = format;
	if (old)
		format = FORMAT_SQL;
	t->format = format;
	if (trigger->tgnargs == 0)
		fail("pgq trigger must have destination queue as argument");
	t->queue = pstrdup(trigger->tgargs[0]);
	t->queue_len = strlen(t->queue);
	for (int i = 1; i < trigger->tgnargs && !old; i++)
	{
		const char *arg = trigger->tgargs[i];
		const char *value = strchr(arg, '=');
		int			name_len;
		int			f;

		if (value == NULL)
		{
			if (strcmp(arg, "SKIP") == 0 || strcmp(arg, "skip") == 0)
				t->skip = true;
			else if (strcmp(arg, "backup") == 0)
				t->backup = true;
			else if (strcmp(arg, "deny") == 0)
				t->deny = true;
			else
				fail("bad param to pgq trigger");
			continue;
		}
		name_len = value++ - arg;
		if (name_len == 6 && strncmp(arg, "ignore", 6) == 0)
			ignore = value;
		else if (name_len == 4 && strncmp(arg, "pkey", 4) == 0)
			pkey = value;
		else
		{
			for (f = 0; f < EXPRESSIONS; f++)
			{
				if (strlen(field_names[f]) == (size_t) name_len && strncmp(arg, field_names[f], name_len) == 0)
					break;
			}
			if (f == EXPRESSIONS)
				fail("bad param to pgq trigger");
			exprs[f] = value;
			t->has_expressions = true;
		}
	}
	t->ignore = ignore != NULL;
	t->pkey = pkey != NULL;

	t->columns = palloc0(desc->natts * sizeof(Column) + 1);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			learn_column(&t->columns[t->ncolumns++], TupleDescAttr(desc, i), format);
	}
	for (int i = 0; i < t->ncolumns; i++)
		t->has_magic |= t->columns[i].magic != -1;

	if (ignore != NULL)
	{
		foreach(lc, split_list(ignore))
		{
			Column	   *col = find_column(t, lfirst(lc));

			if (col != NULL)
				col->hidden = true;
		}
	}
	if (old)
		take_old_arguments(t, trigger);
	else
	{
		key = pkey == NULL ? primary_key(rel) : split_list(pkey);
		t->nkeys = list_length(key);
	}
	foreach(lc, key)
	{
		Column	   *col = find_column(t, lfirst(lc));

		/* told when it is asked for: what is wrong about TRUNCATE is said first */
		if (col != NULL)
			col->key = true;
		else if (!TRIGGER_FIRED_BY_TRUNCATE(td->tg_event))
			ereport(ERROR,
					(errcode(ERRCODE_RAISE_EXCEPTION),
					 errmsg("pkey= column does not exist: %s", (char *) lfirst(lc))));
	}

	t->table = psprintf("%s.%s", schema, RelationGetRelationName(rel));
	t->extra1 = CStringGetTextDatum(t->table);
	make_types(t, rel, schema, key, pkey);
	for (int f = 0; f < EXPRESSIONS; f++)
	{
		if (exprs[f] != NULL)
			parse_expression(t, &t->exprs[f], desc, exprs[f]);
	}
	return t;
}

/*
 * Drops what is known about a trigger. An outer call may still use it, for
 * example if a function in an expression changes the table: it is left until
 * the transaction ends.
 */
static void
forget_trigga(Entry *e)
{
	if (e->info != NULL)
		MemoryContextSetParent(e->info->context, TopTransactionContext);
	e->info = NULL;
}

/* Drops what is of no use: a session may see any number of triggers come and go. */
static void
forget_stale(void)
{
	HASH_SEQ_STATUS seq;
	Entry	   *e;

	hash_seq_init(&seq, entries);
	while ((e = hash_seq_search(&seq)) != NULL)
	{
		if (e->stale || e->info == NULL)
		{
			forget_trigga(e);
			(void) hash_search(entries, &e->oid, HASH_REMOVE, NULL);
		}
	}
}

/* What is known about the trigger. */
static Trigga *
get_trigga(TriggerData *td, Format format)
{
	Oid			oid = td->tg_trigger->tgoid;
	Oid			relid = RelationGetRelid(td->tg_relation);
	Entry	   *e = hash_search(entries, &oid, HASH_FIND, NULL);
	MemoryContext context;
	MemoryContext old;
	Trigga	   *t;

	if (e != NULL && e->info != NULL && !e->stale && e->info->asked == format && e->relid == relid)
		return e->info;

	if (e == NULL)
	{
		forget_stale();
		e = hash_search(entries, &oid, HASH_ENTER, NULL);
		e->info = NULL;
	}
	forget_trigga(e);
	e->relid = relid;
	e->stale = false;
	context = AllocSetContextCreate(CurrentMemoryContext, "pgq trigger", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	t = make_trigga(td, format, context);
	MemoryContextSwitchTo(old);

	/* Looking at the catalogs may have told news; and the entry may have moved on. */
	e = hash_search(entries, &oid, HASH_FIND, NULL);
	if (e == NULL || e->info != NULL)
		return t;
	MemoryContextSetParent(context, CacheMemoryContext);
	e->info = t;
	return t;
}

/* ----------
 * Events
 * ----------
 */

/* Finds pgq.insert_event() and checks that the user may call it. */
static void
find_producer(void)
{
	Oid			user = GetUserId();

	if (!producer.known)
	{
		Oid			types[7];
		HeapTuple	tuple;
		Form_pg_proc proc;
		bool		isnull;
		Datum		src;
		Datum		bin;

		for (int i = 0; i < 7; i++)
			types[i] = TEXTOID;
		producer.user = InvalidOid;
		producer.oid = InvalidOid;
		producer.direct = false;
		producer.oid = LookupFuncName(list_make2(makeString("pgq"), makeString("insert_event")), 7, types, false);
		tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(producer.oid));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", producer.oid);
		proc = (Form_pg_proc) GETSTRUCT(tuple);
		producer.owner = proc->proowner;
		if (proc->prolang == ClanguageId && proc->prosecdef && proc->prokind == PROKIND_FUNCTION)
		{
			src = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
			if (!isnull && strcmp(TextDatumGetCString(src), "pgq_insert_event") == 0)
			{
				bin = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
				producer.direct = !isnull && strcmp(TextDatumGetCString(bin), "$libdir/pgq4_lowlevel") == 0;
			}
		}
		ReleaseSysCache(tuple);
		producer.known = true;
		if (producer.direct && !put_event_sought)
		{
			/* not there, if the session has loaded the library of an older version */
			put_event = (pgq_put_event_type)
				load_external_function("$libdir/pgq4_lowlevel", PGQ_PUT_EVENT_SYMBOL, false, NULL);
			put_event_sought = true;
		}
	}
	if (producer.user != user)
	{
		AclResult	res = pgq_proc_aclcheck(producer.oid, user);

		if (res != ACLCHECK_OK)
			aclcheck_error(res, OBJECT_FUNCTION, get_func_name(producer.oid));
		producer.user = user;
	}
	InvokeFunctionExecuteHook(producer.oid);
}

static void
insert_event(Trigga *t, Datum *fields, bool *nulls)
{
	if (!producer.known || producer.user != GetUserId())
		find_producer();
	if (producer.direct && put_event != NULL)
	{
		(void) put_event(t->queue, t->queue_len, fields, nulls, producer.owner);
		return;
	}
	else
	{
		FmgrInfo	flinfo;

		LOCAL_FCINFO(fcinfo, 7);

		fmgr_info(producer.oid, &flinfo);
		InitFunctionCallInfoData(*fcinfo, &flinfo, 7, InvalidOid, NULL, NULL);
		fcinfo->args[0].value = CStringGetTextDatum(t->queue);
		fcinfo->args[0].isnull = false;
		for (int f = 0; f < PGQ_TEXT_FIELDS; f++)
		{
			fcinfo->args[f + 1].value = fields[f];
			fcinfo->args[f + 1].isnull = nulls[f];
		}
		(void) FunctionCallInvoke(fcinfo);
	}
}

/* Makes the event of a change of a row; false: there is none. */
static bool
make_row_event(Trigga *t, TriggerData *td, Op op, Datum *fields, bool *nulls)
{
	TupleDesc	desc = RelationGetDescr(td->tg_relation);
	Row			row;
	Row			old;
	bool	   *changed = NULL;

	take_row(&row, op == OP_UPDATE ? td->tg_newtuple : td->tg_trigtuple, desc);
	if (op != OP_DELETE && TRIGGER_FIRED_BEFORE(td->tg_event))
	{
		/* generated columns are yet to be computed */
		for (int i = 0; i < t->ncolumns; i++)
			row.nulls[t->columns[i].index] |= t->columns[i].generated;
	}
	if (op == OP_UPDATE)
	{
		bool		all = t->format == FORMAT_SQL || t->ignore;
		bool		any = false;
		bool		any_shown = false;

		take_row(&old, td->tg_trigtuple, desc);
		changed = palloc0(t->ncolumns + 1);
		for (int i = 0; i < t->ncolumns; i++)
		{
			Column	   *col = &t->columns[i];

			if (!all && !col->key)
				continue;
			if (col->generated && TRIGGER_FIRED_BEFORE(td->tg_event))
				continue;
			if (same_value(col, &row, &old))
				continue;
			if (col->key)
				fail("primary key update not allowed");
			changed[i] = true;
			any = true;
			any_shown |= !col->hidden;
		}
		if (all && any && !any_shown)
			return false;
	}
	else
		old = row;

	switch (t->format)
	{
		case FORMAT_URL:
			fields[F_DATA] = row_url(t, &row, FORMAT_URL);
			break;
		case FORMAT_JSON:
			fields[F_DATA] = row_json(t, &row);
			break;
		default:
			fields[F_DATA] = row_sql(t, op, &row, &old, changed);
			break;
	}
	nulls[F_DATA] = false;
	if (t->backup && op == OP_UPDATE)
	{
		fields[F_EXTRA2] = t->format == FORMAT_JSON ? row_json(t, &old) : row_url(t, &old, t->format);
		nulls[F_EXTRA2] = false;
	}

	if (t->has_magic)
	{
		for (int i = 0; i < t->ncolumns; i++)
		{
			Column	   *col = &t->columns[i];

			if (col->magic == -1)
				continue;
			if (col->magic == -2)
				ereport(ERROR,
						(errcode(ERRCODE_RAISE_EXCEPTION),
						 errmsg("Unknown magic column: %s", col->name)));
			nulls[col->magic] = row.nulls[col->index];
			if (!nulls[col->magic])
			{
				char		number[NUMBER_LEN];
				int			len;
				const char *s = value_text(col, row.values[col->index], number, &len);

				fields[col->magic] = PointerGetDatum(cstring_to_text_with_len(s, len));
			}
		}
	}
	return !t->has_expressions || evaluate_expressions(t, &row, fields, nulls);
}

static void
check_truncate(Trigga *t)
{
	if (t->has_expressions)
		fail("Custom expressions do not make sense for truncater trigger");
	if (t->ignore)
		fail("Column ignore does not make sense for truncate trigger");
	if (t->pkey)
		fail("Custom pkey_list does not make sense for truncate trigger");
	if (t->backup)
		fail("Backup does not make sense for truncate trigger");
}

/* What the trigger functions have in common. */
static Datum
fire(FunctionCallInfo fcinfo, Format format)
{
	TriggerData *td = (TriggerData *) fcinfo->context;
	HeapTuple	result = NULL;
	Trigga	   *t;
	Op			op;
	Datum		fields[PGQ_TEXT_FIELDS] = {0};
	bool		nulls[PGQ_TEXT_FIELDS] = {false, true, false, true, true, true};

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("trigger functions can only be called as triggers")));
	op = TRIGGER_FIRED_BY_INSERT(td->tg_event) ? OP_INSERT :
		TRIGGER_FIRED_BY_UPDATE(td->tg_event) ? OP_UPDATE :
		TRIGGER_FIRED_BY_DELETE(td->tg_event) ? OP_DELETE : OP_TRUNCATE;
	/* what lets the operation go on */
	if (!TRIGGER_FIRED_AFTER(td->tg_event) && TRIGGER_FIRED_FOR_ROW(td->tg_event))
		result = op == OP_UPDATE ? td->tg_newtuple : td->tg_trigtuple;

	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_LOCAL)
		return PointerGetDatum(result);
	if (op != OP_TRUNCATE && !TRIGGER_FIRED_FOR_ROW(td->tg_event))
		fail("pgq Ins/Upd/Del trigger must be fired FOR EACH ROW");
	if (op == OP_TRUNCATE && TRIGGER_FIRED_FOR_ROW(td->tg_event))
		fail("pgq tRuncate trigger must be fired FOR EACH STATEMENT");

	t = get_trigga(td, format);
	if (op == OP_TRUNCATE)
		check_truncate(t);
	if (t->nkeys == 0 && (op == OP_UPDATE || op == OP_DELETE))
		fail("Update/Delete on table without pkey");
	if (t->skip && TRIGGER_FIRED_AFTER(td->tg_event))
		fail("SKIP does not work in AFTER trigger.");
	if (t->deny)
		ereport(ERROR,
				(errcode(ERRCODE_RAISE_EXCEPTION),
				 errmsg("Table '%s' to queue '%s': change not allowed (%s)", t->table, t->queue, op_names[op])));
	if (t->skip)
		result = NULL;

	fields[F_TYPE] = t->types[op];
	fields[F_EXTRA1] = t->extra1;
	if (op == OP_TRUNCATE)
	{
		fields[F_DATA] = CStringGetTextDatum(format == FORMAT_JSON ? "{}" : "");
		nulls[F_DATA] = false;
		insert_event(t, fields, nulls);
	}
	else if (make_row_event(t, td, op, fields, nulls))
		insert_event(t, fields, nulls);
	return PointerGetDatum(result);
}

PG_FUNCTION_INFO_V1(pgq_logutriga);
Datum
pgq_logutriga(PG_FUNCTION_ARGS)
{
	return fire(fcinfo, FORMAT_URL);
}

PG_FUNCTION_INFO_V1(pgq_sqltriga);
Datum
pgq_sqltriga(PG_FUNCTION_ARGS)
{
	return fire(fcinfo, FORMAT_SQL);
}

PG_FUNCTION_INFO_V1(pgq_jsontriga);
Datum
pgq_jsontriga(PG_FUNCTION_ARGS)
{
	return fire(fcinfo, FORMAT_JSON);
}

/* Not declared by our schema: for functions that Skytools 2 made. */
PG_FUNCTION_INFO_V1(pgq_logtriga);
Datum
pgq_logtriga(PG_FUNCTION_ARGS)
{
	return fire(fcinfo, FORMAT_OLD);
}
