/*
 * internal.h - the topics in which coordinators keep what they know, one
 * partition for all that concerns one name.
 */
#ifndef COORD_INTERNAL_H
#define COORD_INTERNAL_H

#include <stdint.h>

#include "base/slice.h"

struct config;
struct meta;
struct partlog;

#define OFFSETS_TOPIC "__consumer_offsets"
#define TRANSACTIONS_TOPIC "__transaction_state"

/* Java's String.hashCode(), made positive as Kafka does, modulo n. */
int32_t internal_partition(struct slice name, int32_t n);

/*
 * Where the records of a name (a group, a transactional id) go. Makes the
 * topic when it is not there; *commit is then what makes it durable.
 * Returns an error as a coordinator says it.
 */
int16_t internal_log(struct meta *m, const struct config *c, const char *topic,
	struct slice name, struct partlog **out, uint64_t *commit);

/* What a client is told when its coordinator cannot write. */
int16_t internal_error(int16_t error);

#endif
