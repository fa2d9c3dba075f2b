/*
 * Differences between server versions, 14 to 18. All of them are here.
 */
#ifndef PGQ_COMPAT_H
#define PGQ_COMPAT_H

#include "access/heapam.h"
#include "catalog/pg_proc.h"
#include "storage/proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 140000
#error "PostgreSQL 14 or newer is needed"
#endif

/* The tuple of a TID; the buffer is pinned when it was found. */
static inline bool
pgq_heap_fetch(Relation rel, Snapshot snapshot, HeapTuple tuple, Buffer *buffer)
{
#if PG_VERSION_NUM >= 150000
	return heap_fetch(rel, snapshot, tuple, buffer, false);
#else
	return heap_fetch(rel, snapshot, tuple, buffer);
#endif
}

/* Number of the running top-level transaction, also of one without an xid. */
static inline LocalTransactionId
pgq_local_xid(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

static inline AclResult
pgq_proc_aclcheck(Oid proc, Oid user)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, proc, user, ACL_EXECUTE);
#else
	return pg_proc_aclcheck(proc, user, ACL_EXECUTE);
#endif
}

#endif							/* PGQ_COMPAT_H */
