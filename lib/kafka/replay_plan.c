/* replay_plan.c - what a replay would do, as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "kafka/replayer.h"

struct totals {
	int64_t offsets, bytes, first_ts, last_ts;
	bool bytes_known;
};

static void
add_known(struct json *j, const char *name, int64_t value)
{
	if (value >= 0)
		json_add_int(j, name, value);
	else
		json_add_null(j, name);
}

/* Bytes by the size of the records that were looked at. */
static int64_t
estimate(const struct replay_probe *p, int64_t offsets)
{
	return p->seen ? offsets * p->seen_bytes / p->seen : offsets ? -1 : 0;
}

static struct json *
plan_part(const struct replayer *r, int i, struct totals *t)
{
	static const struct replay_probe unknown = { -1, -1, 0, 0 };
	const struct replay_part *p = &r->job.parts[i];
	const struct replay_probe *x = r->probes ? &r->probes[i] : &unknown;
	bool follow = r->job.spec.follow;
	int64_t to = !follow ? p->to : r->highs ? r->highs[i] : p->next;
	int64_t offsets = to - p->next, bytes = estimate(x, offsets);
	struct json *j = json_object();

	json_add_int(j, "partition", p->partition);
	json_add_int(j, "from", p->next);
	add_known(j, "to", follow ? -1 : p->to);
	json_add_int(j, "records_at_most", offsets);
	add_known(j, "bytes_about", bytes);
	add_known(j, "first_timestamp", x->first_ts);
	add_known(j, "last_timestamp", x->last_ts);
	if (r->starts)
		json_add_int(j, "log_start", r->starts[i]);
	if (r->highs) {
		json_add_int(j, "log_end", r->highs[i]);
		json_add_bool(j, "held_by_transaction", r->highs[i] > p->to &&
			!r->job.spec.offsets && !r->job.spec.until);
	}
	t->offsets += offsets;
	t->bytes += bytes > 0 ? bytes : 0;
	t->bytes_known = t->bytes_known && bytes >= 0;
	if (x->first_ts >= 0 && (t->first_ts < 0 || x->first_ts < t->first_ts))
		t->first_ts = x->first_ts;
	if (x->last_ts > t->last_ts)
		t->last_ts = x->last_ts;
	return j;
}

static struct json *
plan_gaps(const struct replayer *r)
{
	struct json *gaps = json_array();

	for (int i = 0; i < r->job.gaps_n; i++) {
		struct json *g = json_object();

		json_add_int(g, "partition", r->job.gaps[i].partition);
		json_add_int(g, "from", r->job.gaps[i].from);
		json_add_int(g, "to", r->job.gaps[i].to);
		json_add(gaps, NULL, g);
	}
	return gaps;
}

static void
add_place(struct json *to, const char *name, const char *cluster,
	const char *topic, int partitions)
{
	struct json *j = json_object();

	json_add_str(j, "cluster", cluster);
	json_add_str(j, "topic", topic);
	if (partitions >= 0)
		json_add_int(j, "partitions", partitions);
	json_add(to, name, j);
}

static void
write_plan(struct replayer *r, struct buf *out)
{
	struct totals t = { 0, 0, -1, -1, true };
	struct json *doc = json_object(), *parts = json_array();
	struct json *warnings = json_array();
	int64_t expected_ms = -1;

	for (int i = 0; i < r->job.parts_n; i++)
		json_add(parts, NULL, plan_part(r, i, &t));
	if (!r->job.spec.follow)
		expected_ms = replay_pace_expect(&r->pace, t.first_ts, t.last_ts,
			t.offsets, t.bytes_known ? t.bytes : -1);
	replayer_warn_tombstones(r, expected_ms);
	for (int i = 0; i < r->warnings_n; i++)
		json_add_text(warnings, NULL, slice_str(r->warnings[i]));
	json_add_str(doc, "job", r->job.name);
	add_place(doc, "source", r->job.source_cluster, r->job.spec.topic, -1);
	add_place(doc, "target", r->job.target_cluster, r->job.spec.target,
		r->target_partitions);
	json_add_bool(doc, "target_is_made", r->target_missing);
	json_add_str(doc, "mode", replay_mode_name(r->job.mode));
	json_add_str(doc, "why", r->why_mode);
	json_add(doc, "partitions", parts);
	json_add_int(doc, "records_at_most", t.offsets);
	add_known(doc, "bytes_about", t.bytes_known ? t.bytes : -1);
	add_known(doc, "expected_ms", expected_ms);
	json_add(doc, "gaps", plan_gaps(r));
	json_add(doc, "warnings", warnings);
	json_print(out, doc);
	json_free(doc);
}

/* Whoever reads uncommitted sees more than the mode promises. */
static void
warn_isolation(struct replayer *r)
{
	if (replayer_is_txn(r))
		replayer_warn(r, "exactly once is what read_committed readers see; "
			"others also see aborted copies (--eos scan writes none)");
}

int
replay_plan(const struct replay_options *given, struct buf *out, struct err *e)
{
	struct replay_options o = *given;
	struct replayer r;
	int result = -1;
	bool gap;

	o.dry_run = true;
	if (replayer_open(&r, &o, e) || replayer_find(&r, e) ||
	    replayer_apply(&r, e))
		goto out;
	if (r.job.spec.archive) {
		if (replay_archive_plan(&r, e))
			goto out;
	} else if ((r.is_new ? replayer_plan_ranges(&r, e) :
	    replayer_check_source(&r, e) || replayer_pass_gaps(&r, &gap, e)) ||
	    replayer_probe(&r, false, e) || replayer_probe(&r, true, e)) {
		goto out;
	}
	if (replayer_check_target(&r, e))
		goto out;
	replayer_choose_mode(&r);
	if (replayer_name(&r, e))
		goto out;
	warn_isolation(&r);
	write_plan(&r, out);
	result = 0;
out:
	replayer_close(&r);
	return result;
}
