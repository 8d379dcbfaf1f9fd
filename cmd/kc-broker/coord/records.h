/*
 * records.h - the records of __consumer_offsets, to and from bytes.
 *
 *	key    int16 kind, then OffsetCommitKey (kinds 0 and 1) or
 *	       GroupMetadataKey (kind 2)
 *	value  int16 version, then OffsetCommitValue or GroupMetadataValue;
 *	       null deletes
 *
 * Offsets are written in value version 4, or 1 when they carry an expiry of
 * their own; groups in version 3: what Kafka 4 writes.
 */
#ifndef COORD_RECORDS_H
#define COORD_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "coord/group.h"
#include "coord/offsets.h"
#include "wire/wire.h"

/* Each writes into *w, which is cleared first; w->bad when a name is too long. */
void record_offset_key(struct wire_writer *w, struct slice group, struct slice topic,
	int32_t partition);
void record_offset_value(struct wire_writer *w, const struct committed *c);
void record_group_key(struct wire_writer *w, struct slice group);
void record_group_value(struct wire_writer *w, const struct group *g);

enum record_kind {
	RECORD_OFFSET,
	RECORD_GROUP,
	RECORD_OTHER, /* of another kind of group: not for us */
};

/* A key, decoded; borrows the bytes. */
struct record_key {
	enum record_kind kind;
	struct slice group;
	struct slice topic; /* RECORD_OFFSET */
	int32_t partition;
};

/* -1: damaged. */
int record_read_key(struct slice key, struct record_key *k);
/* Sets all but the partition; borrows the bytes. -1: damaged or from the future. */
int record_read_offset(struct slice value, struct committed *c);
/* Fills a new group; its sessions begin at t->now. The arena is for scratch. */
int record_read_group(struct slice value, struct group *g, struct arena *a,
	struct group_turn *t);

#endif
