/*
 * replay_grow.c - partitions that a topic gets while it is followed: they are
 * replayed too, from their first record on.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/replayer.h"

enum { LOOK_MS = 2000, ANSWER_MS = 1000 };

/* The first partition that the job does not know. */
static int32_t
next_partition(const struct replay_job *j)
{
	return j->parts_n ? j->parts[j->parts_n - 1].partition + 1 : 0;
}

static void
add_parts(struct replayer *r, int partitions)
{
	struct replay_job *j = &r->job;
	int32_t p = next_partition(j);
	size_t n = (size_t)(j->parts_n + partitions - p);

	j->parts = xreallocarray(j->parts, n, sizeof(*j->parts));
	r->committed = xreallocarray(r->committed, n, sizeof(*r->committed));
	r->next = xreallocarray(r->next, n, sizeof(*r->next));
	for (; p < partitions; p++, j->parts_n++)
		r->committed[j->parts_n] = j->parts[j->parts_n] =
			(struct replay_part){ .partition = p,
				.to = REPLAY_NO_END, .last = -1 };
}

int
replayer_grow(struct replayer *r, struct err *e)
{
	const struct replay_spec *s = &r->job.spec;
	int64_t now = clock_mono_ms(clock_system());
	int warned = r->warnings_n, more, n, target = r->target_partitions;
	struct err ignored;

	if (!s->follow || s->partitions || s->offsets || now < r->look_at)
		return 0;
	r->look_at = now + LOOK_MS;
	/* Who does not answer now is asked again. */
	if (admin_count_partitions(r->source, s->topic, ANSWER_MS, &n, &ignored))
		return 0;
	more = n - next_partition(&r->job);
	/* The news spreads among the brokers; and the target may get some too. */
	if (more <= 0 || n != r->grown_to) {
		r->grown_to = n;
		return 0;
	}
	if (!r->target_missing && admin_count_partitions(r->target, s->target,
	    ANSWER_MS, &target, &ignored))
		return 0;
	r->target_partitions = target;
	diag_note("topic '%s' has %d partition%s more: replayed too", s->topic,
		more, more == 1 ? "" : "s");
	replayer_positions(r);
	replayer_rewind_source(r);
	add_parts(r, n);
	if (replayer_check_partitions(r, e))
		return -1;
	for (; warned < r->warnings_n; warned++)
		diag_warn("%s", r->warnings[warned]);
	return replayer_commit(r, "running", e) ? -1 : replayer_open_source(r, e);
}
