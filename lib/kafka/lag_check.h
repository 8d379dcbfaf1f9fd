/*
 * lag_check.h - is the answer no: a group over a limit, something that could
 * not be measured, a named group that does not exist.
 */
#ifndef KAFKA_LAG_CHECK_H
#define KAFKA_LAG_CHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "model/lag_threshold.h"

/* Limits of --critical and --warn; the worse first. */
enum { LAG_CRITICAL, LAG_WARNING };

struct lag_check {
	struct lag_thresholds limits[2];
};

/* Texts as model/lag_threshold.h reads them; NULL = none. ERR_USAGE. */
int lag_check_init(struct lag_check *c, const char *critical, const char *warn,
	struct err *e);
/* A limit is about age: without one that is measured there is no answer. */
bool lag_check_needs_age(const struct lag_check *c);

/*
 * Tells on stderr each group that is over a limit, by its worse one; ERR_NO
 * when there is any. What could not be measured is ERR_NO too, even when
 * nothing is known to be over.
 */
int lag_check_limits(const struct lag_check *c, const struct lag_snapshot *s,
	struct err *e);

/* ERR_NO when the snapshot is partial, or (named) a named group is not there. */
int lag_check_complete(const struct lag_snapshot *s, bool named, struct err *e);

/* Both; everything that is wrong is told. */
int lag_check(const struct lag_check *c, const struct lag_snapshot *s, bool named,
	struct err *e);

#endif
