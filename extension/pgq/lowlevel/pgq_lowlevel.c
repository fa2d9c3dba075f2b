/*
 * pgq_lowlevel: puts events into queues.
 *
 * The same as lowlevel_pl/, without SPI: what is known about a queue's
 * relations is kept for the session, tuples and index entries are written
 * directly. Only the queue's row is read anew, by each command that puts events
 * in, because nothing announces its changes.
 *
 * An event must not land in a table that a rotation has left behind. So, in
 * this order:
 *
 * 1. The transaction gets its id. Upstream's schema finds the events of a table
 *	  by it: an id that is above that of a rotation's second step belongs to a
 *	  writer that sees the rotation. And a ticker that sees the event's number
 *	  taken sees the transaction open.
 * 2. The event table is locked. From here on it is not taken for drained
 *	  (pgq.event_table) until the transaction ends.
 * 3. The queue's row is read as it is now, whatever the transaction's snapshot
 *	  shows. If it names another table, that one is tried.
 *
 * The lock also keeps the queue from being dropped, since pgq.drop_queue()
 * locks all of its tables before it changes anything.
 *
 * Each event is written when it is put in, not kept until the end of the
 * statement: whatever looks at the event table next, a trigger of the same
 * statement too, finds it there, and errors are told where they happen.
 * pgq.insert_events() has all events at hand and writes them page by page.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pgq_compat.h"
#include "pgq_lowlevel.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

/* Columns of an event table, in order. */
enum
{
	EV_ID, EV_TIME, EV_TXID, EV_OWNER, EV_RETRY,
	EV_TYPE, EV_DATA, EV_EXTRA1, EV_EXTRA2, EV_EXTRA3, EV_EXTRA4,
	EV_COLUMNS
};

StaticAssertDecl(EV_TYPE + PGQ_TEXT_FIELDS == EV_COLUMNS, "text fields are the last ones");

static const struct
{
	const char *name;
	Oid			type;
}			event_columns[EV_COLUMNS] = {
	{"ev_id", INT8OID}, {"ev_time", TIMESTAMPTZOID}, {"ev_txid", INT8OID},
	{"ev_owner", INT4OID}, {"ev_retry", INT4OID},
	{"ev_type", TEXTOID}, {"ev_data", TEXTOID},
	{"ev_extra1", TEXTOID}, {"ev_extra2", TEXTOID}, {"ev_extra3", TEXTOID}, {"ev_extra4", TEXTOID}
};

typedef struct Event
{
	Datum		values[EV_COLUMNS];
	bool		nulls[EV_COLUMNS];
} Event;

/* An index of an event table. */
typedef struct EventIndex
{
	Oid			oid;
	IndexInfo  *info;
	IndexUniqueCheck check;
} EventIndex;

/*
 * What the session knows about a queue. Invalidation callbacks only clear
 * marks here and free nothing, as they may run in the middle of an insert.
 */
typedef struct Queue
{
	struct Queue *next;			/* in the same bucket */
	uint32		hash;
	char	   *name;
	int			name_len;

	/* the row of pgq.queue when it was last read */
	ItemPointerData tid;
	HeapTuple	row;
	LocalTransactionId checked_lxid;	/* when the TID was known to be in the file */
	SubTransactionId checked_subid;
	LocalTransactionId held_lxid;	/* the command for which the table is locked and current */
	SubTransactionId held_subid;
	CommandId	held_cid;
	bool		held_indexes;	/* its indexes are locked as well */
	int32		id;
	int32		cur_table;
	bool		disabled;
	int32		limit;			/* -1: none */
	char	   *table_name;		/* unquoted, qualified */
	char	   *seq_name;

	/* looked up by these names; InvalidOid: yet to be done */
	Oid			table;
	Oid			seq;

	/* the event table */
	bool		table_known;
	bool		plain;			/* can be written directly */
	int			nindexes;
	EventIndex *indexes;
	Oid			user;			/* was found to have the rights; InvalidOid: nobody */

	/* how much of the limit a transaction has used */
	FullTransactionId count_xid;
	int32		count_table;
	int64		count;

	MemoryContext row_context;	/* holds what comes from the row */
	MemoryContext table_context;	/* holds indexes */
} Queue;

#define BUCKETS 64

/*
 * State of the session: queues that were written to, by hash of their name,
 * and the relation pgq.queue. All of it can be found anew at any time.
 */
static Queue *buckets[BUCKETS];
static Oid	queue_relid = InvalidOid;
static Oid	queue_index = InvalidOid;	/* unique index by name */
static AttrNumber queue_name_attno;

static void forget_relation(Datum arg, Oid relid);
static void forget_rights(Datum arg, int cacheid, uint32 hashvalue);
static void forget_names(Datum arg, int cacheid, uint32 hashvalue);

void
_PG_init(void)
{
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_rights, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_rights, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_names, (Datum) 0);
}

#define foreach_queue(q) \
	for (int bucket_ = 0; bucket_ < BUCKETS; bucket_++) \
		for (Queue *q = buckets[bucket_]; q != NULL; q = q->next)

static void
forget_relation(Datum arg, Oid relid)
{
	bool		rows = !OidIsValid(relid) || relid == queue_relid;

	if (rows)
		queue_relid = InvalidOid;
	foreach_queue(q)
	{
		/* the transaction itself may have made the file shorter */
		if (rows)
			q->checked_lxid = InvalidLocalTransactionId;
		if (!OidIsValid(relid) || relid == q->table)
		{
			q->table = InvalidOid;
			q->table_known = false;
			q->user = InvalidOid;
		}
		if (!OidIsValid(relid) || relid == q->seq)
		{
			q->seq = InvalidOid;
			q->user = InvalidOid;
		}
	}
}

static void
forget_rights(Datum arg, int cacheid, uint32 hashvalue)
{
	foreach_queue(q)
		q->user = InvalidOid;
}

static void
forget_names(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_relation((Datum) 0, InvalidOid);
}

/* ----------
 * The row of a queue
 * ----------
 */

/* Attribute of pgq.queue; InvalidAttrNumber if an old schema lacks it. */
static AttrNumber
queue_attno(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

/* Value of a column of pgq.queue; NULL if an old schema lacks it. */
static Datum
queue_attr(const Datum *values, const bool *nulls, TupleDesc desc, const char *name, bool *isnull)
{
	AttrNumber	attno = queue_attno(desc, name);

	*isnull = attno == InvalidAttrNumber || nulls[attno - 1];
	return *isnull ? (Datum) 0 : values[attno - 1];
}

/* Opens pgq.queue and finds its index. */
static Relation
open_queue_relation(void)
{
	Relation	rel;
	List	   *indexes;
	ListCell   *lc;

	if (OidIsValid(queue_relid))
	{
		rel = try_relation_open(queue_relid, AccessShareLock);
		if (rel != NULL && OidIsValid(queue_relid))
			return rel;
		if (rel != NULL)
			relation_close(rel, AccessShareLock);
	}

	rel = table_openrv(makeRangeVar("pgq", "queue", -1), AccessShareLock);
	queue_name_attno = queue_attno(RelationGetDescr(rel), "queue_name");
	if (queue_name_attno == InvalidAttrNumber)
		elog(ERROR, "pgq.queue has no column queue_name");
	queue_index = InvalidOid;
	indexes = RelationGetIndexList(rel);
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisunique && index->rd_index->indisvalid &&
			index->rd_index->indnkeyatts == 1 &&
			index->rd_index->indkey.values[0] == queue_name_attno &&
			index->rd_rel->relam == BTREE_AM_OID &&
			RelationGetIndexPredicate(index) == NIL)
			queue_index = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	queue_relid = RelationGetRelid(rel);
	return rel;
}

/* Takes over a row that differs from the one that was last read. */
static void
take_row(Queue *q, HeapTuple row, TupleDesc desc)
{
	MemoryContext old;
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	bool		isnull;
	Datum		d;
	char	   *prefix;

	/* Half of a new row is worse than the old one: copy first. */
	old = MemoryContextSwitchTo(q->row_context);
	row = heap_copytuple(row);
	heap_deform_tuple(row, desc, values, nulls);
	d = queue_attr(values, nulls, desc, "queue_data_pfx", &isnull);
	prefix = isnull ? pstrdup("") : TextDatumGetCString(d);
	q->cur_table = DatumGetInt32(queue_attr(values, nulls, desc, "queue_cur_table", &isnull));
	q->table_name = psprintf("%s_%d", prefix, q->cur_table);
	d = queue_attr(values, nulls, desc, "queue_event_seq", &isnull);
	q->seq_name = isnull ? pstrdup("") : TextDatumGetCString(d);
	MemoryContextSwitchTo(old);

	q->id = DatumGetInt32(queue_attr(values, nulls, desc, "queue_id", &isnull));
	d = queue_attr(values, nulls, desc, "queue_disable_insert", &isnull);
	q->disabled = !isnull && DatumGetBool(d);
	d = queue_attr(values, nulls, desc, "queue_per_tx_limit", &isnull);
	q->limit = isnull ? -1 : DatumGetInt32(d);

	q->table = q->seq = q->user = InvalidOid;
	q->table_known = false;
	q->tid = row->t_self;
	q->row = row;
	pfree(values);
	pfree(nulls);
}

/* Bytes of a tuple that never change while it exists, and how many. */
static inline const char *
tuple_body(HeapTuple tuple, Size *len)
{
	*len = tuple->t_len - SizeofHeapTupleHeader;
	return (const char *) tuple->t_data + SizeofHeapTupleHeader;
}

/*
 * Is the row still the one that was last read? A tuple that is at the same
 * place, alive and has the same content. SnapshotSelf, as opposed to the
 * newest MVCC snapshot, costs nothing to get and may only err to the other
 * side: not to see a row that was changed just now. Then the index is asked.
 */
static bool
row_is_same(Queue *q, Relation rel)
{
	HeapTupleData tuple;
	Buffer		buffer;
	bool		same = false;

	if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		return false;

	/*
	 * The end of the file may have been cut off. Not by others while the lock on
	 * the relation is held, which is until the end of a subtransaction at least.
	 */
	if (q->checked_lxid != pgq_local_xid() || q->checked_subid != GetCurrentSubTransactionId())
	{
		if (ItemPointerGetBlockNumber(&q->tid) >= RelationGetNumberOfBlocks(rel))
			return false;
		q->checked_lxid = pgq_local_xid();
		q->checked_subid = GetCurrentSubTransactionId();
	}

	tuple.t_self = q->tid;
	if (pgq_heap_fetch(rel, SnapshotSelf, &tuple, &buffer))
	{
		if (tuple.t_len == q->row->t_len &&
			HeapTupleHeaderGetNatts(tuple.t_data) == HeapTupleHeaderGetNatts(q->row->t_data) &&
			HeapTupleHasNulls(&tuple) == HeapTupleHasNulls(q->row))
		{
			Size		len;
			const char *a = tuple_body(&tuple, &len);
			const char *b = tuple_body(q->row, &len);

			same = memcmp(a, b, len) == 0;
		}
		ReleaseBuffer(buffer);
	}
	return same;
}

typedef enum RowState
{
	ROW_SAME,
	ROW_CHANGED,
	ROW_GONE
} RowState;

/* Reads the queue's row as it is now. */
static RowState
read_row(Queue *q)
{
	Relation	rel = open_queue_relation();
	RowState	state;

	if (q->row != NULL && row_is_same(q, rel))
		state = ROW_SAME;
	else
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), queue_name_attno - 1);
		text	   *name = cstring_to_text_with_len(q->name, q->name_len);
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	row;

		ScanKeyEntryInitialize(&key, 0, queue_name_attno, BTEqualStrategyNumber, InvalidOid,
							   att->attcollation, F_TEXTEQ, PointerGetDatum(name));
		scan = systable_beginscan(rel, queue_index, OidIsValid(queue_index), snapshot, 1, &key);
		row = systable_getnext(scan);
		if (row == NULL)
			state = ROW_GONE;
		else
		{
			/* take_row leaves what it replaces until the next reset */
			MemoryContext garbage = q->row_context;

			q->row_context = AllocSetContextCreate(CacheMemoryContext, "pgq queue row", ALLOCSET_SMALL_SIZES);
			take_row(q, row, RelationGetDescr(rel));
			if (garbage != NULL)
				MemoryContextDelete(garbage);
			state = ROW_CHANGED;
		}
		systable_endscan(scan);
		UnregisterSnapshot(snapshot);
		pfree(name);
	}
	/* The lock stays: see row_is_same. */
	relation_close(rel, NoLock);
	return state;
}

/* Finds what is known about a queue; NULL: nothing. */
static Queue *
find_queue(const char *name, int name_len, uint32 hash)
{
	for (Queue *q = buckets[hash % BUCKETS]; q != NULL; q = q->next)
	{
		if (q->hash == hash && q->name_len == name_len && memcmp(q->name, name, name_len) == 0)
			return q;
	}
	return NULL;
}

/* Drops what is known about a queue. */
static void
forget_queue(Queue *q)
{
	Queue	  **link = &buckets[q->hash % BUCKETS];

	while (*link != q)
		link = &(*link)->next;
	*link = q->next;
	if (q->row_context != NULL)
		MemoryContextDelete(q->row_context);
	if (q->table_context != NULL)
		MemoryContextDelete(q->table_context);
	pfree(q);
}

/*
 * Adds a queue, and forgets those in its bucket whose table has changed or
 * gone: a session may see any number of queues come and go.
 */
static Queue *
make_queue(const char *name, int name_len, uint32 hash)
{
	Queue	   *q;

	for (Queue *other = buckets[hash % BUCKETS], *next; other != NULL; other = next)
	{
		next = other->next;
		if (!OidIsValid(other->table))
			forget_queue(other);
	}
	q = MemoryContextAllocZero(CacheMemoryContext, sizeof(Queue) + name_len);
	q->hash = hash;
	q->name = (char *) (q + 1);
	q->name_len = name_len;
	memcpy(q->name, name, name_len);
	q->next = buckets[hash % BUCKETS];
	buckets[hash % BUCKETS] = q;
	return q;
}

/*
 * Finds a relation in the catalog as it is now. A commit is visible a moment
 * before other sessions are told of what it changed, and in that moment the
 * caches lack a table that a row of pgq.queue already names.
 */
static Oid
new_relation_oid(const char *name, Oid namespace)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_class_relname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	ScanKeyInit(&keys[1], Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(namespace));
	scan = systable_beginscan(rel, ClassNameNspIndexId, true, snapshot, 2, keys);
	tuple = systable_getnext(scan);
	if (tuple != NULL)
		relid = ((Form_pg_class) GETSTRUCT(tuple))->oid;
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return relid;
}

/*
 * Finds a relation by unquoted name, which is split at the first dot. Who opens
 * it waits for its lock, and so until what made it has told everybody.
 */
static Oid
relation_oid(const char *qualified)
{
	const char *dot = strchr(qualified, '.');
	char	   *schema = dot == NULL ? pstrdup("public") : pnstrdup(qualified, dot - qualified);
	NameData	name;
	Oid			namespace = get_namespace_oid(schema, true);
	Oid			relid = InvalidOid;

	namestrcpy(&name, dot == NULL ? qualified : dot + 1);
	if (OidIsValid(namespace))
	{
		relid = get_relname_relid(NameStr(name), namespace);
		if (!OidIsValid(relid))
			relid = new_relation_oid(NameStr(name), namespace);
	}
	pfree(schema);
	return relid;
}

/* ----------
 * The event table
 * ----------
 */

/* Can a row of the eleven columns be written without asking the executor? */
static bool
is_plain_table(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TupleConstr *constr = desc->constr;

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relam != HEAP_TABLE_AM_OID ||
		rel->trigdesc != NULL || rel->rd_rules != NULL || rel->rd_rel->relrowsecurity ||
		rel->rd_rel->relispartition || desc->natts != EV_COLUMNS)
		return false;
	if (constr != NULL && constr->num_check > 0)
		return false;
	for (int i = 0; i < EV_COLUMNS; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->attgenerated != '\0' || att->atttypid != event_columns[i].type ||
			(att->attnotnull && i > EV_TXID) || strcmp(NameStr(att->attname), event_columns[i].name) != 0)
			return false;
	}
	return true;
}

/* Learns how to write to the table, which is open and locked. */
static void
learn_table(Queue *q, Relation rel)
{
	List	   *oids;
	ListCell   *lc;
	MemoryContext old;

	if (q->table_context == NULL)
		q->table_context = AllocSetContextCreate(CacheMemoryContext, "pgq event table", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(q->table_context);
	q->nindexes = 0;
	q->held_indexes = false;
	q->plain = is_plain_table(rel);

	old = MemoryContextSwitchTo(q->table_context);
	oids = RelationGetIndexList(rel);
	q->indexes = palloc0(Max(1, list_length(oids)) * sizeof(EventIndex));
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);
		EventIndex *ix = &q->indexes[q->nindexes];

		ix->oid = RelationGetRelid(index);
		ix->info = BuildIndexInfo(index);
		ix->check = index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO;
		if (index->rd_rel->relam != BTREE_AM_OID || !index->rd_index->indimmediate ||
			ix->info->ii_Expressions != NIL || ix->info->ii_Predicate != NIL || ix->info->ii_ExclusionOps != NULL)
			q->plain = false;
		if (ix->info->ii_ReadyForInserts)
			q->nindexes++;
		index_close(index, NoLock);
	}
	MemoryContextSwitchTo(old);
	q->table_known = true;
}

/* Puts index entries of a new row. */
static void
insert_index_entries(Queue *q, Relation rel, Event *ev, ItemPointer tid)
{
	LOCKMODE	lock = q->held_indexes ? NoLock : RowExclusiveLock;

	for (int i = 0; i < q->nindexes; i++)
	{
		EventIndex *ix = &q->indexes[i];
		Relation	index = index_open(ix->oid, lock);
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		for (int k = 0; k < ix->info->ii_NumIndexAttrs; k++)
		{
			AttrNumber	attno = ix->info->ii_IndexAttrNumbers[k];

			values[k] = ev->values[attno - 1];
			nulls[k] = ev->nulls[attno - 1];
		}
		index_insert(index, values, nulls, tid, rel, ix->check, false, ix->info);
		index_close(index, NoLock);
	}
	q->held_indexes = true;
}

/* Writes one event to a table that is not plain, as anybody would. */
static void
insert_by_statement(Relation rel, Event *ev, Oid user)
{
	StringInfoData sql;
	Oid			types[EV_COLUMNS];
	char		nulls[EV_COLUMNS];
	Oid			save_user;
	int			save_context;

	initStringInfo(&sql);
	appendStringInfo(&sql, "insert into %s (",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel)));
	for (int i = 0; i < EV_COLUMNS; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", event_columns[i].name);
	appendStringInfoString(&sql, ") values (");
	for (int i = 0; i < EV_COLUMNS; i++)
	{
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
		types[i] = event_columns[i].type;
		nulls[i] = ev->nulls[i] ? 'n' : ' ';
	}
	appendStringInfoChar(&sql, ')');

	GetUserIdAndSecContext(&save_user, &save_context);
	if (user != save_user)
		SetUserIdAndSecContext(user, save_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute_with_args(sql.data, EV_COLUMNS, types, ev->values, nulls, false, 0) < 0)
		elog(ERROR, "insert of an event failed: %s", sql.data);
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_context);
	pfree(sql.data);
}

/* Writes one event. */
static void
insert_one(Queue *q, Relation rel, Event *ev, Oid user)
{
	HeapTuple	tuple;

	if (!q->plain)
	{
		insert_by_statement(rel, ev, user);
		return;
	}
	tuple = heap_form_tuple(RelationGetDescr(rel), ev->values, ev->nulls);
	heap_insert(rel, tuple, GetCurrentCommandId(true), 0, NULL);
	insert_index_entries(q, rel, ev, &tuple->t_self);
	heap_freetuple(tuple);
}

/* ----------
 * Rules of a queue
 * ----------
 */

/*
 * Locks the queue's current event table for writing, until the end of the
 * transaction, and opens it. The comment at the top tells why so.
 *
 * unknown is the error's text if there is no such queue.
 */
static Queue *
lock_current_table(const char *name, int name_len, const char *unknown, Relation *rel)
{
	uint32		hash = hash_bytes((const unsigned char *) name, name_len);
	Queue	   *q = find_queue(name, name_len, hash);
	bool		missing = false;

	/*
	 * The same command again. A lock is only given back when the
	 * subtransaction that took it, or one around it, is rolled back; what
	 * changes the queue in between, on our side, is another command.
	 */
	if (q != NULL && q->held_lxid == pgq_local_xid() && q->held_subid == GetCurrentSubTransactionId() &&
		q->held_cid == GetCurrentCommandId(false) && OidIsValid(q->table) && OidIsValid(q->seq))
	{
		*rel = relation_open(q->table, NoLock);
		return q;
	}

	PreventCommandDuringRecovery("txid_current()");
	(void) GetTopTransactionId();

	if (q == NULL)
		q = make_queue(name, name_len, hash);
	if (q->row == NULL && read_row(q) == ROW_GONE)
		goto gone;

	for (;;)
	{
		Oid			table;
		RowState	state;

		if (!OidIsValid(q->table))
			q->table = relation_oid(q->table_name);
		if (!OidIsValid(q->seq))
			q->seq = relation_oid(q->seq_name);
		table = q->table;

		/* Waiting for the lock may tell that the relation is another one now. */
		*rel = OidIsValid(table) ? try_relation_open(table, RowExclusiveLock) : NULL;
		state = read_row(q);
		if (state == ROW_GONE)
			break;
		if (*rel != NULL && OidIsValid(table) && q->table == table && OidIsValid(q->seq))
		{
			q->held_indexes = false;
			q->held_lxid = pgq_local_xid();
			q->held_subid = GetCurrentSubTransactionId();
			/* used, so that the next command gets another number */
			q->held_cid = GetCurrentCommandId(true);
			return q;
		}
		if (state == ROW_SAME && missing && (*rel == NULL || !OidIsValid(q->seq)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation \"%s\" does not exist", *rel == NULL ? q->table_name : q->seq_name)));
		/* Once could be chance: what was looked up was of the past. */
		missing = state == ROW_SAME && (*rel == NULL || !OidIsValid(q->seq));
		if (*rel != NULL)
			relation_close(*rel, RowExclusiveLock);
		AcceptInvalidationMessages();
	}
	if (*rel != NULL)
		relation_close(*rel, RowExclusiveLock);

gone:
	forget_queue(q);
	ereport(ERROR, (errcode(ERRCODE_RAISE_EXCEPTION), errmsg("%s", unknown)));
}

/* A queue may be closed to all but replication. */
static bool
is_insert_disabled(Queue *q)
{
	return q->disabled && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
}

/* Counts events of the transaction against the queue's limit. */
static void
count_events(Queue *q, int64 n)
{
	FullTransactionId xid = GetTopFullTransactionId();

	if (!FullTransactionIdEquals(q->count_xid, xid) || q->count_table != q->cur_table)
	{
		q->count_xid = xid;
		q->count_table = q->cur_table;
		q->count = 0;
	}
	q->count += n;
	if (q->count > q->limit)
		ereport(ERROR,
				(errcode(ERRCODE_RAISE_EXCEPTION),
				 errmsg("Queue '%.*s' allows max %d events from one TX", q->name_len, q->name, q->limit)));
}

/* Demands what an INSERT with nextval() would demand of the user. */
static void
check_rights(Queue *q, Relation rel, Oid user)
{
	AclResult	res;

	if (q->user == user)
		return;
	res = pg_class_aclcheck(q->seq, user, ACL_USAGE | ACL_UPDATE);
	if (res != ACLCHECK_OK)
		aclcheck_error(res, OBJECT_SEQUENCE, get_rel_name(q->seq));
	res = pg_class_aclcheck(RelationGetRelid(rel), user, ACL_INSERT);
	if (res != ACLCHECK_OK)
		aclcheck_error(res, OBJECT_TABLE, RelationGetRelationName(rel));
	q->user = user;
}

/*
 * Everything before the insert of n events; gives them ids. They are taken
 * whatever happens next, which is how the ticker learns that there is
 * something new.
 */
static Queue *
prepare_insert(const char *name, int name_len, int n, int64 *ids, bool producer, Oid user, Relation *rel)
{
	Queue	   *q = lock_current_table(name, name_len, "No such queue", rel);
	Oid			seq = q->seq;

	check_rights(q, *rel, user);
	for (int i = 0; i < n; i++)
		ids[i] = nextval_internal(seq, false);
	if (is_insert_disabled(q))
		ereport(ERROR,
				(errcode(ERRCODE_RAISE_EXCEPTION),
				 errmsg("Insert into queue disallowed")));
	if (q->limit >= 0 && producer)
		count_events(q, n);
	if (!q->table_known)
		learn_table(q, *rel);
	return q;
}

/* What all events of a transaction have in common. */
static void
init_event(Event *ev)
{
	memset(ev->nulls, 0, sizeof(ev->nulls));
	ev->values[EV_TIME] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	ev->values[EV_TXID] = Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	ev->nulls[EV_OWNER] = ev->nulls[EV_RETRY] = true;
}

/* Puts an event; the id is given or else filled in. */
static int64
put_event(const char *name, int name_len, Event *ev, const int64 *given_id, Oid user)
{
	Relation	rel;
	int64		id;
	Queue	   *q;

	/* The limit is for producers: a retried event was let in before. */
	q = prepare_insert(name, name_len, 1, &id, ev->nulls[EV_OWNER], user, &rel);
	if (given_id != NULL)
		id = *given_id;
	ev->values[EV_ID] = Int64GetDatum(id);
	insert_one(q, rel, ev, user);
	relation_close(rel, NoLock);
	return id;
}

int64
pgq_put_event_1(const char *queue, int queue_len, const Datum *values, const bool *nulls, Oid user)
{
	Event		ev;

	(void) GetTopTransactionId();
	init_event(&ev);
	memcpy(ev.values + EV_TYPE, values, PGQ_TEXT_FIELDS * sizeof(Datum));
	memcpy(ev.nulls + EV_TYPE, nulls, PGQ_TEXT_FIELDS * sizeof(bool));
	return put_event(queue, queue_len, &ev, NULL, user);
}

/* ----------
 * SQL functions
 * ----------
 */

static text *
queue_name_arg(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_RAISE_EXCEPTION),
				 errmsg("Queue name must not be NULL")));
	return PG_GETARG_TEXT_PP(0);
}

/*
 * pgq.insert_event(queue_name text, ev_type text, ev_data text [, ev_extra1
 * text, ev_extra2 text, ev_extra3 text, ev_extra4 text]) returns bigint
 */
PG_FUNCTION_INFO_V1(pgq_insert_event);
Datum
pgq_insert_event(PG_FUNCTION_ARGS)
{
	text	   *queue = queue_name_arg(fcinfo);
	Datum		values[PGQ_TEXT_FIELDS];
	bool		nulls[PGQ_TEXT_FIELDS];

	for (int i = 0; i < PGQ_TEXT_FIELDS; i++)
	{
		nulls[i] = i + 1 >= PG_NARGS() || PG_ARGISNULL(i + 1);
		values[i] = nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i + 1);
	}
	PreventCommandIfReadOnly("nextval()");
	PG_RETURN_INT64(pgq_put_event_1(VARDATA_ANY(queue), VARSIZE_ANY_EXHDR(queue), values, nulls, GetUserId()));
}

/*
 * pgq.insert_event_raw(queue_name text, ev_id bigint, ev_time timestamptz,
 * ev_owner integer, ev_retry integer, ev_type text, ev_data text, ev_extra1
 * text, ev_extra2 text, ev_extra3 text, ev_extra4 text) returns bigint
 */
PG_FUNCTION_INFO_V1(pgq_insert_event_raw);
Datum
pgq_insert_event_raw(PG_FUNCTION_ARGS)
{
	text	   *queue = queue_name_arg(fcinfo);
	Event		ev;
	int64		id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);

	PreventCommandIfReadOnly("nextval()");
	PreventCommandDuringRecovery("txid_current()");
	(void) GetTopTransactionId();
	init_event(&ev);
	if (!PG_ARGISNULL(2))
		ev.values[EV_TIME] = PG_GETARG_DATUM(2);
	for (int i = EV_OWNER; i < EV_COLUMNS; i++)
	{
		/* the arguments lack ev_txid */
		ev.nulls[i] = PG_ARGISNULL(i);
		ev.values[i] = ev.nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	PG_RETURN_INT64(put_event(VARDATA_ANY(queue), VARSIZE_ANY_EXHDR(queue), &ev,
							  PG_ARGISNULL(1) ? NULL : &id, GetUserId()));
}

/* ----------
 * Many events at once
 * ----------
 */

/* Events that are written together, and how many bytes of text. */
#define CHUNK_EVENTS 256
#define CHUNK_BYTES (256 * 1024)

/* Writes events to a plain table, page by page. */
static void
insert_chunk(Queue *q, Relation rel, TupleTableSlot **slots, Event *events, int n, BulkInsertState bistate)
{
	for (int i = 0; i < n; i++)
	{
		ExecStoreHeapTuple(heap_form_tuple(RelationGetDescr(rel), events[i].values,
										   events[i].nulls), slots[i], false);
	}
	heap_multi_insert(rel, slots, n, GetCurrentCommandId(true), 0, bistate);
	for (int i = 0; i < n; i++)
	{
		insert_index_entries(q, rel, &events[i], &slots[i]->tts_tid);
		ExecClearTuple(slots[i]);
	}
}

/*
 * pgq.insert_events(queue_name text, ev_type text[], ev_data text[] [, ev_extra1
 * text[], ev_extra2 text[], ev_extra3 text[], ev_extra4 text[]]) returns integer
 */
PG_FUNCTION_INFO_V1(pgq_insert_events);
Datum
pgq_insert_events(PG_FUNCTION_ARGS)
{
	text	   *queue = queue_name_arg(fcinfo);
	Oid			user = GetUserId();
	int			n = -1;
	Datum	   *texts[PGQ_TEXT_FIELDS];
	bool	   *nulls[PGQ_TEXT_FIELDS];
	int64	   *ids;
	Relation	rel;
	Queue	   *q;
	bool		plain;
	Event	   *events;
	TupleTableSlot **slots;
	BulkInsertState bistate;
	MemoryContext chunk_context;
	MemoryContext old;

	PreventCommandIfReadOnly("nextval()");
	for (int k = 0; k < PGQ_TEXT_FIELDS; k++)
	{
		int			len;

		texts[k] = NULL;
		if (PG_ARGISNULL(k + 1))
			continue;
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(k + 1), TEXTOID, -1, false, TYPALIGN_INT, &texts[k], &nulls[k], &len);
		if (n >= 0 && len != n)
			ereport(ERROR,
					(errcode(ERRCODE_RAISE_EXCEPTION),
					 errmsg("Arrays of events differ in length")));
		n = len;
	}
	n = Max(n, 0);

	ids = palloc(Max(n, 1) * sizeof(int64));
	q = prepare_insert(VARDATA_ANY(queue), VARSIZE_ANY_EXHDR(queue), n, ids, true, user, &rel);
	/* a trigger of the event table may let the session forget the queue */
	plain = q->plain;

	events = palloc(CHUNK_EVENTS * sizeof(Event));
	slots = palloc0(CHUNK_EVENTS * sizeof(TupleTableSlot *));
	for (int i = 0; i < CHUNK_EVENTS; i++)
		init_event(&events[i]);
	chunk_context = AllocSetContextCreate(CurrentMemoryContext, "pgq chunk", ALLOCSET_DEFAULT_SIZES);
	bistate = GetBulkInsertState();

	for (int i = 0; i < n;)
	{
		int			m = 0;
		Size		bytes = 0;

		for (; i < n && m < CHUNK_EVENTS && bytes < CHUNK_BYTES; i++, m++)
		{
			Event	   *ev = &events[m];

			ev->values[EV_ID] = Int64GetDatum(ids[i]);
			for (int k = 0; k < PGQ_TEXT_FIELDS; k++)
			{
				ev->nulls[EV_TYPE + k] = texts[k] == NULL || nulls[k][i];
				ev->values[EV_TYPE + k] = ev->nulls[EV_TYPE + k] ? (Datum) 0 : texts[k][i];
				if (!ev->nulls[EV_TYPE + k])
					bytes += VARSIZE_ANY(DatumGetPointer(texts[k][i]));
			}
		}

		CHECK_FOR_INTERRUPTS();
		if (plain)
		{
			for (int k = 0; k < m; k++)
			{
				if (slots[k] == NULL)
					slots[k] = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
			}
			old = MemoryContextSwitchTo(chunk_context);
			insert_chunk(q, rel, slots, events, m, bistate);
			MemoryContextSwitchTo(old);
			MemoryContextReset(chunk_context);
		}
		else
		{
			for (int k = 0; k < m; k++)
				insert_by_statement(rel, &events[k], user);
		}
	}

	for (int i = 0; i < CHUNK_EVENTS && slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	FreeBulkInsertState(bistate);
	relation_close(rel, NoLock);
	PG_RETURN_INT32(n);
}

/* ----------
 * For writers of their own
 * ----------
 */

/* pgq.current_event_table(x_queue_name text) returns text */
PG_FUNCTION_INFO_V1(pgq_current_event_table);
Datum
pgq_current_event_table(PG_FUNCTION_ARGS)
{
	const char *unknown = "Event queue not found";
	text	   *queue;
	Relation	rel;
	Queue	   *q;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_RAISE_EXCEPTION), errmsg("%s", unknown)));
	queue = PG_GETARG_TEXT_PP(0);
	q = lock_current_table(VARDATA_ANY(queue), VARSIZE_ANY_EXHDR(queue), unknown, &rel);
	if (is_insert_disabled(q))
		ereport(ERROR,
				(errcode(ERRCODE_RAISE_EXCEPTION),
				 errmsg("Writing to queue disabled")));
	relation_close(rel, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(q->table_name));
}
