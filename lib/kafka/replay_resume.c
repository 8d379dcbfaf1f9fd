/*
 * replay_resume.c - before a job goes on: is the source still the one it was,
 * is everything still there, and what of it is in the target already?
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/replayer.h"

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

	for (int i = 0; i < r->job.parts_n; i++) {
		const struct replay_part *p = &r->job.parts[i];
		int64_t start = t->partitions[p->partition].start;

		if (p->next < start && p->next < p->to)
			buf_addf(&text, "%s%d:%" PRId64 "-%" PRId64,
				text.len ? "," : "", (int)p->partition, p->next,
				(start < p->to ? start : p->to) - 1);
	}
	err_set(e, ERR_NOT_FOUND, "topic '%s': records were deleted before they "
		"were replayed: %s (everything before them is done; --resume %s "
		"--allow-gap goes on behind them)", t->name, buf_cstr(&text),
		r->job.name);
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

static int
scan_target(struct replayer *r, const struct consume_options *o, struct err *e)
{
	struct consume *in = NULL;
	struct record rec;
	int64_t n = 0, offset;
	int32_t partition;
	int result = -1;

	if (consume_open(&in, r->o->target_conf, o, e))
		return -1;
	for (;;) {
		enum consume_status status = consume_next(in, -1, &rec, e);

		if (status == CONSUME_END) {
			result = 0;
			break;
		}
		if (status == CONSUME_ERROR || status == CONSUME_SIGNAL)
			break;
		if (status != CONSUME_RECORD ||
		    !slice_eq_str(replay_header(&rec, REPLAY_RUN), r->job.run) ||
		    !replay_src_place(replay_header(&rec, REPLAY_SRC), &partition,
		    &offset))
			continue;
		replay_tally_found(&r->seen, partition, offset, 0);
		n++;
	}
	consume_close(in);
	if (!result && n)
		diag_note("%" PRId64 " records are in '%s' already", n,
			r->job.spec.target);
	return result;
}

int
replayer_scan(struct replayer *r, struct err *e)
{
	const char *topic = r->job.spec.target;
	struct consume_options o = {
		.topics = &topic, .topics_n = 1,
		.isolation = "read_uncommitted", .timeout_ms = r->o->timeout_ms,
		.output_fd = -1,
	};
	struct admin_topics topics = { 0 };
	struct consume_span *spans = NULL;
	struct admin_topic *t;
	int result = -1;

	if (admin_topics(r->target, r->o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, topic);
	if (!t) {
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist any more", topic);
		goto out;
	}
	if (replay_high(r->o->target_conf, t, r->o->timeout_ms, e))
		goto out;
	o.spans = spans = xcalloc((size_t)t->partitions_n, sizeof(*spans));
	for (int i = 0; i < t->partitions_n; i++) {
		int64_t from = i < r->job.target_n ? r->job.flushed_ends[i] : 0;

		if (from < t->partitions[i].start)
			from = t->partitions[i].start;
		if (from < t->partitions[i].end)
			spans[o.spans_n++] = (struct consume_span){ topic, i, from,
				t->partitions[i].end };
	}
	result = o.spans_n ? scan_target(r, &o, e) : 0;
	r->look_seen = r->seen.n;
out:
	free(spans);
	admin_topics_release(&topics);
	return result;
}
