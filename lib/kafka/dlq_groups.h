/* dlq_groups.h - kc-dlq groups and check: dead letters counted. */
#ifndef KAFKA_DLQ_GROUPS_H
#define KAFKA_DLQ_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/out.h"
#include "kafka/dlq.h"
#include "kafka/dlq_rules.h"
#include "model/dlq_group.h"
#include "model/redact.h"

/* Counts what is selected of d, which is open. */
int dlq_groups_scan(struct dlq *d, const struct dlq_select *select,
	struct dlq_groups *g, struct err *e);

struct dlq_groups_options {
	const struct dlq_select *select;
	enum dlq_group_by by;
	const struct dlq_rules *rules; /* DLQ_BY_RULE; else NULL */
	const struct redact *redact;   /* what is masked, as of keys */
	bool json;
};

/*
 * Prints them, the largest first; json:
 * {"group":"ID","count":5,"first":MS,"last":MS,"example":"DLQ/P/O",
 *  "scheme":"spring","class":B,"frame":B,"message":B,"note":B}, with
 * "class" or whatever it is counted by in the place of "group". What is not
 * known is absent.
 */
int dlq_groups_print(struct dlq *d, const struct dlq_groups_options *o,
	struct out *out, struct err *e);

struct dlq_check_options {
	const struct dlq_select *select;
	int64_t max_open;    /* -1 = any number */
	int64_t max_age_ms;  /* of the oldest failure; -1 = any */
	int64_t max_rate;    /* failures within the last hour; -1 = any */
	int64_t now_ms;
	bool json;
};

/*
 * One line on stdout: "OK orders.dlq: 0 open". ERR_NO, with an empty sentence,
 * when a limit is passed: "NO orders.dlq: 12 open (limit 0), ..." is the line then.
 */
int dlq_check(struct dlq *d, const struct dlq_check_options *o, struct out *out,
	struct err *e);

#endif
