/*
 * consumer_protocol.h - what classic consumers put into the metadata and the
 * assignments of their groups: ConsumerProtocolSubscription and
 * ConsumerProtocolAssignment, behind an int16 version. Versions to come are
 * read as the last one known, as Kafka's clients do.
 */
#ifndef COORD_CONSUMER_PROTOCOL_H
#define COORD_CONSUMER_PROTOCOL_H

#include <stdint.h>

#include "base/arena.h"
#include "coord/parts.h"

struct meta;

struct consumer_subscription {
	int16_t version;
	struct slice *names; /* as they came */
	int names_n;
	struct slice rack_id;
	struct parts owned;  /* of topics that exist */
};

/* In the arena, texts borrowed. -1: damaged. */
int consumer_subscription_read(struct slice metadata, const struct meta *meta,
	struct arena *a, struct consumer_subscription *s);
/* Of topics that exist. -1: damaged, 1: it carries an assignor's own data. */
int consumer_assignment_read(struct slice assignment, const struct meta *meta,
	struct arena *a, struct parts *out);
/* In the arena; not of topics that are gone. */
struct slice consumer_assignment_write(const struct parts *p, int16_t version,
	const struct meta *meta, struct arena *a);

#endif
