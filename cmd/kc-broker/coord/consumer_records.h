/*
 * consumer_records.h - what __consumer_offsets has of consumer groups.
 *
 *	kind 3   the group: epoch, hash of its topics
 *	     4   of old: the topics themselves; only deleted
 *	     5   a member: what it said
 *	     6   the target: its epoch
 *	     7   the target of a member
 *	     8   a member: epoch, state, and what it has
 *	    16   a pattern: the topics that matched
 *
 * Keys and values are the messages ConsumerGroup*Key and *Value, values
 * behind an int16 0; a null value deletes.
 */
#ifndef COORD_CONSUMER_RECORDS_H
#define COORD_CONSUMER_RECORDS_H

#include "coord/consumer_group.h"
#include "wire/messages.h"
#include "wire/wire.h"

enum consumer_record_kind {
	CONSUMER_GROUP = 3,
	CONSUMER_OLD_METADATA = 4,
	CONSUMER_MEMBER = 5,
	CONSUMER_TARGET = 6,
	CONSUMER_MEMBER_TARGET = 7,
	CONSUMER_MEMBER_CURRENT = 8,
	CONSUMER_REGEX = 16,
};

struct consumer_record {
	struct consumer_record *next;
	enum consumer_record_kind kind;
	struct slice name; /* of a member, or the pattern */
	bool is_gone;      /* no value */
	union {
		struct consumer_group_metadata_value group;
		struct consumer_group_member_metadata_value member;
		struct consumer_group_target_assignment_metadata_value target;
		struct consumer_group_target_assignment_member_value member_target;
		struct consumer_group_current_member_assignment_value current;
		struct consumer_group_regular_expression_value regex;
	} value;
};

/* Each is appended to the turn, copied into its arena. */
void consumer_put_gone(struct consumer_turn *t, enum consumer_record_kind kind,
	struct slice name);
void consumer_put_group(struct consumer_turn *t, int32_t epoch, int64_t hash);
void consumer_put_member(struct consumer_turn *t, const struct consumer_member *m);
void consumer_put_target(struct consumer_turn *t, int32_t epoch, int64_t wall);
void consumer_put_member_target(struct consumer_turn *t, struct slice member,
	const struct parts *target);
void consumer_put_current(struct consumer_turn *t, const struct consumer_member *m);
void consumer_put_regex(struct consumer_turn *t, struct slice pattern,
	const struct slice *names, int names_n, uint64_t version);

/* The sets that records carry, in the arena. */
struct parts consumer_parts_target(
	const struct consumer_group_target_assignment_member_value *v, struct arena *a);
struct parts consumer_parts_assigned(
	const struct consumer_group_current_member_assignment_value *v, struct arena *a);
struct parts consumer_parts_revoking(
	const struct consumer_group_current_member_assignment_value *v, struct arena *a);

/* To bytes, into writers that are cleared first. */
void consumer_record_key(struct wire_writer *w, const struct consumer_record *r,
	struct slice group);
void consumer_record_value(struct wire_writer *w, const struct consumer_record *r);

/*
 * From bytes, which are borrowed: 1 when it is one, 0 when its kind is not
 * ours, -1 when it is damaged. *group is whose it is.
 */
int consumer_record_read(struct slice key, struct slice value, struct slice *group,
	struct consumer_record *r, struct arena *a);

#endif
