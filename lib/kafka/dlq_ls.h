/*
 * dlq_ls.h - kc-dlq ls: the dead-letter topics of a cluster, and how each stands.
 *
 * A topic is one when its name says so (dlq_is_name()), or when it has a
 * ledger beside it; with `all`, also when its last records are dead letters.
 *
 *	TOPIC  OPEN  OLDEST  EXPIRES  LAST-HOUR  SCHEME  GROUP  MOSTLY
 *
 * json: {"topic":"orders.dlq","open":5,"exact":true,"oldest":MS,"expires":MS,
 *	"last_hour":2,"scheme":"spring","group":"ID","class":B,"message":B}
 *
 * At most `sample` open records of each topic are read. Where there are more,
 * open is an upper bound (exact is false), and scheme and group are those of
 * the oldest. expires is when retention takes the oldest open one.
 */
#ifndef KAFKA_DLQ_LS_H
#define KAFKA_DLQ_LS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/conf.h"
#include "cli/out.h"

struct dlq_ls_options {
	const char *pattern; /* a glob: these topics, whatever their names; NULL */
	bool all, json;
	int64_t sample;
	int timeout_ms;
	int64_t now_ms;
};

/* One topic that fails is named on stderr, and then it ends with ERR_PARTIAL. */
int dlq_ls(const struct conf *conf, const struct dlq_ls_options *o,
	struct out *out, struct err *e);

#endif
