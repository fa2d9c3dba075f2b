/*
 * What pgq_lowlevel offers to pgq_triggers, which finds the function by name
 * at run time (load_external_function), because both must share one state.
 */
#ifndef PGQ_LOWLEVEL_H
#define PGQ_LOWLEVEL_H

#include "fmgr.h"

/* ev_type, ev_data, ev_extra1 .. ev_extra4 */
#define PGQ_TEXT_FIELDS 6

/*
 * Puts an ordinary event into a queue with the rights of user; returns its id.
 * The values are text data. The number in the name is that of the interface:
 * a session may meet libraries of two versions while files are replaced.
 */
#define PGQ_PUT_EVENT_SYMBOL "pgq_put_event_1"

typedef int64 (*pgq_put_event_type) (const char *queue, int queue_len,
									 const Datum *values, const bool *nulls, Oid user);

extern PGDLLEXPORT int64 pgq_put_event_1(const char *queue, int queue_len,
										 const Datum *values, const bool *nulls, Oid user);

#endif							/* PGQ_LOWLEVEL_H */
