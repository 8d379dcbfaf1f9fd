/*
 * dlq_list.h - dead letters shown one by one: list, tail, export.
 *
 * list and tail, a line a record, in a pipe tab separated:
 *	P:O  STATE  FAILED  ORIGIN  KEY  CLASS  MESSAGE
 * and with json
 *	{"src":"DLQ/P/O","timestamp":MS,"state":"open","group":"ID","note":B,
 *	 "key":B,"dlq":{...}}        the last is deadletter_put_json()'s object
 *
 * export: lines of kc-record(5), the record as it lies there, with
 *	"src":"DLQ/P/O","kc":{"state":"open","group":"ID","note":B,"dlq":{...}}
 */
#ifndef KAFKA_DLQ_LIST_H
#define KAFKA_DLQ_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/out.h"
#include "kafka/dlq.h"
#include "kafka/dlq_locate.h"
#include "model/dlq_select.h"
#include "model/redact.h"

struct dlq_list_options {
	const struct dlq_select *select;
	int64_t limit;       /* end after so many; -1 = all */
	bool json;
	bool json_values;    /* export: values that are JSON as the member json */
	bool from_origin;    /* export: key and value of the source record */
	/* Where records without headers came from, as dlq_locate() found; or NULL. */
	struct dlq_located *located;
	const struct dlq_entries *entries; /* show: of dlq_show.h */
	const struct redact *redact; /* what is masked */
};

int dlq_list(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e);

/* Until a signal, or o->limit: the last ten of each partition, and what comes. */
int dlq_tail(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e);

/*
 * from_origin: a record whose source is gone, or was replaced, goes out as it
 * lies there, is named on stderr, and then it ends with ERR_PARTIAL.
 */
int dlq_export(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e);

#endif
