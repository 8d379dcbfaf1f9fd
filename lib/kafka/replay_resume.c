/*
 * replay_resume.c - before a job goes on: is the source still the one it was,
 * is everything still there, and what of it is in the target already?
 */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/replayer.h"

enum {
	RECENT_MS = 60000, /* a run that told of itself since may have just died */
	QUIET_MS = 1000,
	ROUNDS_MAX = 30,
};

static struct admin_topic *
find_topic(struct replayer *r, struct client *c, const char *name,
	struct admin_topics *topics, struct err *e)
{
	struct admin_topic *t;

	if (admin_topics(c, r->o->timeout_ms, topics, e))
		return NULL;
	t = admin_topics_find(topics, name);
	if (!t)
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist any more", name);
	else if (!admin_offsets(c, r->o->timeout_ms, t, e))
		return t;
	return NULL;
}

/* ---- made anew? ------------------------------------------------------------------ */

/*
 * The record that was replayed last, read again; 1 = it is there and the
 * same, 0 = it is gone, -1 = it is another one.
 */
static int
same_record(struct replayer *r, const struct replay_part *p)
{
	const char *topic = r->job.spec.topic;
	const struct consume_span span = { topic, p->partition, p->last, p->last + 1 };
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1, .spans = &span, .spans_n = 1,
		.isolation = "read_committed", .timeout_ms = r->o->timeout_ms,
		.output_fd = -1,
	};
	struct consume *in = NULL;
	struct record rec;
	struct err ignored;
	int same = 0;

	if (!consume_open(&in, r->o->source_conf, &o, &ignored) &&
	    consume_next(in, r->o->timeout_ms, &rec, &ignored) == CONSUME_RECORD)
		same = (int64_t)replay_digest(&rec, true) == p->last_digest ? 1 : -1;
	consume_close(in);
	return same;
}

/*
 * librdkafka 2.0 does not tell topic ids. A topic that was made anew ends
 * before where we are, or has another record at the last offset.
 */
int
replayer_check_source(struct replayer *r, struct err *e)
{
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	int result = -1;

	if (r->job.spec.archive)
		return 0;
	t = find_topic(r, r->source, r->job.spec.topic, &topics, e);
	for (int i = 0; t && i < r->job.parts_n; i++) {
		const struct replay_part *p = &r->job.parts[i];
		bool gone = p->partition >= t->partitions_n;
		int64_t end = gone ? 0 : t->partitions[p->partition].end;
		int64_t start = gone ? 0 : t->partitions[p->partition].start;

		if (gone || (end >= 0 && end < p->next) ||
		    (p->last >= start && p->last < end && same_record(r, p) < 0)) {
			err_set(e, ERR_FAILED, "'%s' [%d] is not what it was when "
				"this job read it: offset %" PRId64 " is %s (was the "
				"topic made anew? then begin a new job)", t->name,
				(int)p->partition, end < p->next ? p->next : p->last,
				end < p->next ? "beyond its end" : "another record");
			goto out;
		}
	}
	result = t ? 0 : -1;
out:
	admin_topics_release(&topics);
	return result;
}

/* ---- gone? ----------------------------------------------------------------------- */

static int
tell_gaps(struct replayer *r, const struct admin_topic *t, struct err *e)
{
	struct buf text = BUF_INIT;
	int64_t n = 0;

	for (int i = 0; i < r->job.parts_n; i++) {
		const struct replay_part *p = &r->job.parts[i];
		int64_t start = t->partitions[p->partition].start;
		int64_t upto = start < p->to ? start : p->to;

		if (p->next >= upto)
			continue;
		n += upto - p->next;
		buf_addf(&text, "%s%d:%" PRId64 "-%" PRId64,
			text.len ? "," : "", (int)p->partition, p->next, upto - 1);
	}
	err_set(e, ERR_NOT_FOUND, "topic '%s': %" PRId64 " offsets were deleted "
		"before they were replayed: %s (everything before them is done; "
		"--resume %s --allow-gap goes on behind them)", t->name, n,
		buf_cstr(&text), r->job.name);
	buf_release(&text);
	return -1;
}

int
replayer_pass_gaps(struct replayer *r, bool *any, struct err *e)
{
	struct admin_topics topics = { 0 };
	struct err why = ERR_INIT;
	struct admin_topic *t;
	int result = 0;

	*any = false;
	if (r->job.spec.archive)
		return 0;
	t = find_topic(r, r->source, r->job.spec.topic, &topics, &why);
	if (!t) {
		*e = why;
		admin_topics_release(&topics);
		return -1;
	}
	for (int i = 0; i < r->job.parts_n && !result; i++) {
		struct replay_part *p = &r->job.parts[i];
		int64_t start = t->partitions[p->partition].start;
		int64_t upto = start < p->to ? start : p->to;

		if (p->next >= start || p->next >= p->to)
			continue;
		*any = true;
		if (!r->o->allow_gap) {
			result = tell_gaps(r, t, e);
			break;
		}
		diag_warn("'%s' [%d]: offsets %" PRId64 " to %" PRId64 " are gone",
			t->name, (int)p->partition, p->next, upto - 1);
		replay_job_gap(&r->job, p->partition, p->next, upto);
		p->next = upto;
	}
	admin_topics_release(&topics);
	return result;
}

/*
 * A tombstone is kept for a while after compaction has passed it; who reads
 * for longer may see the record that it deletes, and not the tombstone.
 */
void
replayer_warn_tombstones(struct replayer *r, int64_t left_ms)
{
	int64_t ms = left_ms > 0 ? left_ms : 0, kept_ms;
	struct admin_configs k = { 0 };
	const struct admin_config *policy, *kept;
	struct err ignored = ERR_INIT;

	if (!r->is_new)
		ms += clock_wall_ms(clock_system()) - r->job.started_ms;
	if (!ms || r->job.spec.archive || r->select.tombstones == TOMBSTONES_DROP ||
	    admin_configs(r->source, ADMIN_TOPIC, r->job.spec.topic,
	    r->o->timeout_ms, &k, &ignored))
		return;
	policy = admin_configs_find(&k, "cleanup.policy");
	kept = admin_configs_find(&k, "delete.retention.ms");
	if (policy && policy->value && strstr(policy->value, "compact") && kept &&
	    kept->value && !num_int(slice_str(kept->value), 0, INT64_MAX,
	    &kept_ms, &ignored) && ms > kept_ms)
		replayer_warn(r, "topic '%s' is compacted and forgets tombstones "
			"after %" PRId64 " ms (delete.retention.ms), before this "
			"replay is at its end: some deletions may be missed",
			r->job.spec.topic, kept_ms);
	admin_configs_release(&k);
}

/* The end is not reached: does a transaction that is open hold it back? */
int
replayer_explain(struct replayer *r, struct err *e)
{
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	struct err ignored;

	if (e->code != ERR_TEMPORARY || r->job.spec.archive)
		return -1;
	t = find_topic(r, r->source, r->job.spec.topic, &topics, &ignored);
	for (int i = 0; t && i < r->job.parts_n; i++) {
		const struct replay_part *p = &r->job.parts[i];
		int64_t stable = t->partitions[p->partition].end;

		if (stable < 0 || stable >= p->to)
			continue;
		err_set(e, ERR_TEMPORARY, "'%s' [%d]: an open transaction holds "
			"back offsets %" PRId64 " to %" PRId64 " (what is before "
			"them is done; --resume %s once it has ended)", t->name,
			(int)p->partition, stable, p->to - 1, r->job.name);
		break;
	}
	admin_topics_release(&topics);
	return -1;
}

/* ---- there already? ---------------------------------------------------------------- */

/* Records of our run from here to the end: how many, or -1. */
static int64_t
scan_target(struct replayer *r, const struct consume_options *o, struct err *e)
{
	struct consume *in = NULL;
	struct record rec;
	int64_t n = 0, offset;
	int32_t partition;
	struct slice run;

	if (consume_open(&in, r->o->target_conf, o, e))
		return -1;
	for (;;) {
		enum consume_status status = consume_next(in, -1, &rec, e);

		if (status == CONSUME_END)
			break;
		if (status == CONSUME_ERROR || status == CONSUME_SIGNAL) {
			n = -1;
			break;
		}
		if (status != CONSUME_RECORD ||
		    !replay_tag(&rec, &run, &partition, &offset) ||
		    !slice_eq_str(run, r->job.run))
			continue;
		replay_tally_found(&r->seen, partition, offset, 0);
		n++;
	}
	consume_close(in);
	return n;
}

/* From these offsets to what is there now, which they then are. */
static int64_t
scan_on(struct replayer *r, struct admin_topic *t, int64_t *from, struct err *e)
{
	const char *topic = r->job.spec.target;
	struct consume_span *spans = xcalloc((size_t)t->partitions_n, sizeof(*spans));
	struct consume_options o = {
		.topics = &topic, .topics_n = 1, .spans = spans,
		.isolation = "read_uncommitted", .timeout_ms = r->o->timeout_ms,
		.output_fd = -1,
	};
	int64_t n = 0;

	if (admin_high(r->o->target_conf, r->o->timeout_ms, t, e))
		n = -1;
	for (int i = 0; i < t->partitions_n && !n; i++) {
		if (from[i] < t->partitions[i].start)
			from[i] = t->partitions[i].start;
		if (from[i] < t->partitions[i].end)
			spans[o.spans_n++] = (struct consume_span){ topic, i, from[i],
				t->partitions[i].end };
	}
	if (!n && o.spans_n)
		n = scan_target(r, &o, e);
	for (int i = 0; i < t->partitions_n; i++)
		from[i] = t->partitions[i].end;
	free(spans);
	return n;
}

/*
 * What a run that was killed had handed to its connections may be written
 * after it is gone: nothing of it must come for a while.
 */
static int64_t
scan_until_quiet(struct replayer *r, struct admin_topic *t, int64_t *from,
	struct err *e)
{
	int64_t now = clock_wall_ms(clock_system()), total = 0;
	bool recent = now - r->job.updated_ms < RECENT_MS;

	for (int round = 0; ; round++) {
		int64_t n = scan_on(r, t, from, e);

		total += n;
		if (n < 0)
			return -1;
		if (!recent || (round && !n) || round == ROUNDS_MAX)
			return total;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, QUIET_MS);
		if (sig_caught())
			return -1;
	}
}

int
replayer_scan(struct replayer *r, struct err *e)
{
	const char *topic = r->job.spec.target;
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	int64_t *from, n;

	if (admin_topics(r->target, r->o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, topic);
	if (!t) {
		admin_topics_release(&topics);
		return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist any more",
			topic);
	}
	from = xcalloc((size_t)t->partitions_n, sizeof(*from));
	for (int i = 0; i < t->partitions_n && i < r->job.target_n; i++)
		from[i] = r->job.flushed_ends[i];
	n = scan_until_quiet(r, t, from, e);
	if (n > 0)
		diag_note("%" PRId64 " records are in '%s' already", n, topic);
	r->look_seen = r->seen.n;
	free(from);
	admin_topics_release(&topics);
	return n < 0 ? -1 : 0;
}
