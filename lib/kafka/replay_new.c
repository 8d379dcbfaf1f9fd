/* replay_new.c - what a new job reads: the options against what is there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "kafka/replayer.h"

enum { PROBE_MS = 3000, PROBE_TAIL = 100 };

static int
time_of(const char *option, const char *text, int64_t now, int64_t *out,
	struct err *e)
{
	return num_time(slice_str(text), now, out, e) ? err_wrap(e, "%s", option) : 0;
}

/* --from, --until, --last as a range of times. */
static int
time_range(const struct replay_spec *s, struct offset_range *range, struct err *e)
{
	int64_t now = clock_wall_ms(clock_system()), last;

	if (s->from) {
		range->from.kind = OFFSET_TIME;
		if (time_of("--from", s->from, now, &range->from.value, e))
			return -1;
	}
	if (s->last) {
		range->from.kind = OFFSET_TIME;
		if (num_duration(slice_str(s->last), &last, e))
			return err_wrap(e, "--last");
		range->from.value = now - last;
	}
	if (s->until) {
		range->to.kind = OFFSET_TIME;
		if (time_of("--until", s->until, now, &range->to.value, e))
			return -1;
		if (range->from.kind == OFFSET_TIME &&
		    range->to.value < range->from.value)
			return err_set(e, ERR_USAGE, "--until is before the start");
	}
	return 0;
}

/* What the options want of the partitions; the span's offsets, -1 = not said. */
struct wish {
	struct offset_range range;
	struct replay_ranges ranges;
	int32_t *partitions;
	int partitions_n;
	struct consume_span *spans;
};

static void
wish_release(struct wish *w)
{
	replay_ranges_release(&w->ranges);
	free(w->partitions);
	free(w->spans);
}

static int
wish_parse(struct wish *w, const struct replay_spec *s, struct err *e)
{
	if (s->offsets && replay_ranges_parse(slice_str(s->offsets), &w->ranges, e))
		return err_wrap(e, "--offsets");
	if (s->partitions && offset_parse_partitions(slice_str(s->partitions),
	    &w->partitions, &w->partitions_n, e))
		return -1;
	return time_range(s, &w->range, e);
}

/* Offsets before the log's start: refused, or a gap. */
static int
check_start(struct replayer *r, struct replay_range *x, int64_t low, struct err *e)
{
	if (x->from < 0 || x->from >= low)
		return 0;
	if (!r->o->allow_gap)
		return err_set(e, ERR_NOT_FOUND, "'%s' [%d] has no offset %" PRId64
			" any more: it begins at %" PRId64 " (--allow-gap takes "
			"what is left)", r->job.spec.topic, (int)x->partition,
			x->from, low);
	replay_job_gap(&r->job, x->partition, x->from,
		x->to >= 0 && x->to < low ? x->to : low);
	x->from = low;
	if (x->to >= 0 && x->to < low)
		x->to = low;
	return 0;
}

static int
make_spans(struct replayer *r, struct wish *w, const struct admin_topic *t,
	struct err *e)
{
	w->spans = xcalloc((size_t)w->ranges.n, sizeof(*w->spans));
	for (int i = 0; i < w->ranges.n; i++) {
		struct replay_range *x = &w->ranges.items[i];

		if (x->partition >= t->partitions_n)
			return err_set(e, ERR_NOT_FOUND, "topic '%s' has no "
				"partition %d (it has %d, from 0)", t->name,
				(int)x->partition, t->partitions_n);
		if (check_start(r, x, t->partitions[x->partition].start, e))
			return -1;
		w->spans[i] = (struct consume_span){ r->job.spec.topic,
			x->partition, x->from, -1 };
	}
	return 0;
}

/* The reader's own finding of starts and ends; high as read_committed. */
static int
resolve(struct replayer *r, const struct wish *w, struct err *e)
{
	const char *topic = r->job.spec.topic;
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1,
		.partitions = w->partitions, .partitions_n = w->partitions_n,
		.spans = w->spans, .spans_n = w->ranges.n, .range = w->range,
		.exit_at_end = true, .isolation = "read_committed",
		.timeout_ms = r->o->timeout_ms, .output_fd = -1,
	};
	struct consume_position *at;
	struct consume *in;
	int n;

	if (consume_open(&in, r->o->source_conf, &o, e))
		return -1;
	n = consume_positions(in, NULL, 0);
	at = xcalloc((size_t)n, sizeof(*at));
	consume_positions(in, at, n);
	r->job.parts = xcalloc((size_t)n, sizeof(*r->job.parts));
	r->starts = xcalloc((size_t)n, sizeof(*r->starts));
	for (int i = 0; i < n; i++) {
		int64_t from = at[i].next < at[i].end ? at[i].next : at[i].end;

		r->job.parts[i] = (struct replay_part){ at[i].partition,
			from, at[i].end, from, -1, 0, 0 };
		r->starts[i] = at[i].start;
	}
	r->job.parts_n = n;
	free(at);
	consume_close(in);
	return 0;
}

/*
 * The end is the last stable offset: what an open transaction holds back is
 * not replayed, and that is told. Offsets that were asked for by number are
 * waited for, if they are in the log at all.
 */
static int
check_ends(struct replayer *r, const struct wish *w, const struct admin_topic *t,
	struct err *e)
{
	bool at_end = w->range.to.kind == OFFSET_UNSET;

	r->highs = xcalloc((size_t)r->job.parts_n, sizeof(*r->highs));
	if (r->job.spec.follow) {
		for (int i = 0; i < r->job.parts_n; i++) {
			r->highs[i] = t->partitions[r->job.parts[i].partition].end;
			r->job.parts[i].to = REPLAY_NO_END;
		}
		return 0;
	}
	for (int i = 0; i < r->job.parts_n; i++) {
		struct replay_part *p = &r->job.parts[i];
		int64_t high = t->partitions[p->partition].end;
		const struct replay_range *x =
			replay_ranges_find(&w->ranges, p->partition);

		r->highs[i] = high;
		if (x && x->to > high)
			return err_set(e, ERR_NOT_FOUND, "'%s' [%d] has no offset "
				"%" PRId64 " yet: it ends before %" PRId64,
				t->name, (int)p->partition, x->to - 1, high);
		if (x && x->to >= 0)
			p->to = x->to;
		if (x && x->to < 0 ? high > p->to : !x && at_end && high > p->to)
			replayer_warn(r, "'%s' [%d]: an open transaction holds back "
				"offsets %" PRId64 " to %" PRId64 ": they are not "
				"replayed", t->name, (int)p->partition, p->to,
				high - 1);
	}
	return 0;
}

int
replayer_plan_ranges(struct replayer *r, struct err *e)
{
	const struct replay_options *o = r->o;
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	struct wish w = { 0 };
	int result = -1;

	if (wish_parse(&w, &r->job.spec, e) ||
	    admin_topics(r->source, o->timeout_ms, &topics, e))
		goto out;
	t = admin_topics_find(&topics, r->job.spec.topic);
	if (t && w.ranges.n && (admin_offsets(r->source, o->timeout_ms, t, e) ||
	    make_spans(r, &w, t, e)))
		goto out;
	/* a topic that is not there is told of by the reader */
	if (resolve(r, &w, e) || (t && (admin_high(o->source_conf,
	    o->timeout_ms, t, e) || check_ends(r, &w, t, e))))
		goto out;
	result = 0;
out:
	wish_release(&w);
	admin_topics_release(&topics);
	return result;
}

/* ---- a look at the records ------------------------------------------------------ */

static void
look(struct replay_probe *p, const struct record *rec, bool last)
{
	p->seen++;
	p->seen_bytes += (int64_t)(rec->key.len + rec->value.len);
	if (!rec->has_timestamp)
		return;
	if (p->first_ts < 0 && !last)
		p->first_ts = rec->timestamp;
	if (rec->timestamp > p->last_ts)
		p->last_ts = rec->timestamp;
}

/* Reads until every partition has shown something, or for a while. */
static int
probe(struct replayer *r, struct consume_span *spans, int n, bool last,
	struct err *e)
{
	const char *topic = r->job.spec.topic;
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1, .spans = spans, .spans_n = n,
		.isolation = "read_committed", .timeout_ms = PROBE_MS,
		.output_fd = -1,
	};
	int64_t until = clock_mono_ms(clock_system()) + PROBE_MS;
	enum consume_status status = CONSUME_RECORD;
	struct consume *in;
	struct record rec;
	int left = n;

	if (!n)
		return 0;
	if (consume_open(&in, r->o->source_conf, &o, e))
		return -1;
	while ((left || last) && status != CONSUME_END &&
	    clock_mono_ms(clock_system()) < until) {
		status = consume_next(in, 100, &rec, e);
		if (status == CONSUME_SIGNAL)
			break;
		/* What cannot be looked at now may be readable later. */
		if (status == CONSUME_ERROR && e->code != ERR_REFUSED)
			*e = (struct err)ERR_INIT;
		if (status == CONSUME_ERROR)
			break;
		for (int i = 0; status == CONSUME_RECORD && i < r->job.parts_n; i++)
			if (r->job.parts[i].partition == rec.partition) {
				left -= !r->probes[i].seen;
				look(&r->probes[i], &rec, last);
			}
	}
	consume_close(in);
	return e->code ? -1 : 0;
}

int
replayer_probe(struct replayer *r, bool last, struct err *e)
{
	struct consume_span *spans = xcalloc((size_t)r->job.parts_n, sizeof(*spans));
	int64_t oldest = INT64_MAX;
	int n = 0, result;

	if (!r->probes) {
		r->probes = xcalloc((size_t)r->job.parts_n, sizeof(*r->probes));
		for (int i = 0; i < r->job.parts_n; i++)
			r->probes[i] = (struct replay_probe){ -1, -1, 0, 0 };
	}
	for (int i = 0; i < r->job.parts_n; i++) {
		const struct replay_part *p = &r->job.parts[i];
		int64_t to = p->to != REPLAY_NO_END ? p->to : r->highs ?
			r->highs[i] : p->next;
		int64_t from = last && to - PROBE_TAIL > p->next ?
			to - PROBE_TAIL : p->next;

		if (p->next < to)
			spans[n++] = (struct consume_span){ r->job.spec.topic,
				p->partition, from, to };
	}
	result = probe(r, spans, n, last, e);
	free(spans);
	for (int i = 0; i < r->job.parts_n; i++)
		if (r->probes[i].first_ts >= 0 && r->probes[i].first_ts < oldest)
			oldest = r->probes[i].first_ts;
	if (!last && r->is_new && r->shape.timestamp == REPLAY_TS_SHIFT) {
		r->job.shift_ms -= oldest == INT64_MAX ? r->job.shift_ms : oldest;
		r->shape.shift_ms = r->job.shift_ms;
	}
	return result;
}
