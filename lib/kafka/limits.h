/*
 * limits.h - what a topic accepts, checked before a record is sent.
 *
 * The broker refuses a whole batch for one record that is too large or whose
 * timestamp is out of bounds. Checked here, such a record is its own error
 * and its neighbours are not touched. Pure but for the reading of configs.
 */
#ifndef KAFKA_LIMITS_H
#define KAFKA_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kafka/admin.h"
#include "model/record.h"

struct limits {
	int64_t batch_bytes;   /* max.message.bytes: of a batch as it travels */
	int64_t past_ms;       /* a timestamp may be this much older than now */
	int64_t future_ms;     /* and this much ahead of it */
	int64_t kept_ms;       /* what is older is deleted, by and by */
	bool stamps;           /* the broker puts its own time in place of the record's */
	bool compacted;        /* every record needs a key */
	const char *now_option; /* the tool's, that drops timestamps; NULL = it has none */
};

/* Nothing is known: everything passes, the broker decides. */
void limits_init(struct limits *l);
void limits_from_configs(struct limits *l, const struct admin_configs *k);

/* Bytes of a record batch (version 2, no compression) with this record alone. */
int64_t limits_batch_size(const struct record *r);

/*
 * ERR_FORMAT with the bound and the remedy when the topic would refuse the
 * record. `compressed`: the size on the way is not known, so it is not checked.
 */
int limits_check(const struct limits *l, const struct record *r, int64_t now_ms,
	bool compressed, struct err *e);

#endif
