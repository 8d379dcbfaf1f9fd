/*
 * replay_errors.c - --errors-to: records that the target does not take become
 * dead letters, and the replay goes on.
 *
 * What is known before sending - size, timestamp, a missing key - is put aside
 * in the same transaction. What only the broker refuses can be put aside
 * without transactions; in one, nothing is written by halves.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/replayer.h"
#include "kafka/transaction.h"
#include "model/deadletter.h"

/* A record that came back from the broker. */
struct replay_dead {
	struct replay_dead *next;
	struct record *r;       /* owned */
	int32_t partition;      /* of the source */
	int64_t offset;
	struct err why;
};

/* The record's own fault, and not the topic's or the cluster's. */
static bool
is_its_own(const struct err *why)
{
	return why->code == ERR_FORMAT || why->code == ERR_UNSUPPORTED;
}

static int
send(struct replayer *r, const struct record *out, int32_t partition,
	int64_t offset, const struct err *why, struct err *e)
{
	struct slice topic = slice_str(r->job.spec.errors_to);
	int64_t now = clock_wall_ms(clock_system());
	struct deadletter d = { .attempts = 1, .failed_at = now,
		.first_failed_at = now };
	struct record letter;
	int result;

	d.origin = (struct deadletter_origin){
		.topic = slice_str(r->job.spec.topic), .partition = partition,
		.offset = offset, .has_timestamp = out->has_timestamp,
		.timestamp = out->timestamp, .timestamp_type = out->timestamp_type };
	d.error = (struct deadletter_error){ .class = slice_str("kc.refused"),
		.message = slice_str(why->msg), .stage = slice_str("KAFKA_PRODUCE"),
		.kind = slice_str("permanent") };
	result = deadletter_write(DEADLETTER_KC, out, &d,
		producer_record_max(r->producer, topic), &r->arena, &letter, e);
	if (!result) {
		letter.topic = topic;
		letter.partition = -1;
		r->job.dead++;
		r->under_way[r->generation]++;
		result = replayer_begin(r, e) || producer_send(r->producer,
			&letter, replayer_dead_tag(r), e) ? -1 : 0;
	}
	arena_reset(&r->arena);
	return result ? err_wrap(e, "--errors-to: '%s/%d/%lld'", r->job.spec.topic,
		(int)partition, (long long)offset) : 0;
}

bool
replayer_put_aside(struct replayer *r, const struct record *from,
	const struct record *out, bool *failed, struct err *e)
{
	struct err why = ERR_INIT;

	if (!r->job.spec.errors_to || !producer_check(r->producer, out, &why) ||
	    !is_its_own(&why))
		return false;
	*failed = send(r, out, from->partition, from->offset, &why, e);
	return true;
}

bool
replayer_keep_dead(struct replayer *r, const struct record *out,
	int32_t partition, int64_t offset, const struct err *why)
{
	struct replay_dead *d;

	if (!r->job.spec.errors_to || replayer_is_txn(r) || !is_its_own(why))
		return false;
	d = xmalloc(sizeof(*d));
	*d = (struct replay_dead){ r->dead, record_copy(out), partition, offset, *why };
	r->dead = d;
	r->job.sent--;
	return true;
}

int
replayer_send_dead(struct replayer *r, struct err *e)
{
	int result = 0;

	while (r->dead && !result) {
		struct replay_dead *d = r->dead;

		result = send(r, d->r, d->partition, d->offset, &d->why, e);
		r->dead = d->next;
		free(d->r);
		free(d);
	}
	return result;
}

void
replayer_free_dead(struct replayer *r)
{
	while (r->dead) {
		struct replay_dead *d = r->dead;

		r->dead = d->next;
		free(d->r);
		free(d);
	}
}
