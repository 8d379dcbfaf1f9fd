/*
 * replay_verify.c - what a job should have written, made once more from the
 * source, against the records of its run in the target.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/replayer.h"

static const char *const fault_names[] = {
	[FAULT_MISSING] = "missing", [FAULT_DUPLICATE] = "duplicate",
	[FAULT_ALTERED] = "altered", [FAULT_STRANGE] = "strange",
};

struct check {
	struct replayer r;
	struct replay_tally tally;
	struct replay_tally dead; /* what went to errors_to instead */
	int64_t dead_n;
	struct buf *faults;
	bool with_timestamp;
	/* By partition of the source: what is before it is gone, and not judged. */
	int64_t *begin;
	int begin_n;
	int64_t unchecked;      /* records of the target that came from there */
};

static void
on_fault(void *arg, enum replay_fault fault, int32_t partition, int64_t offset)
{
	struct check *c = arg;

	buf_addf(c->faults, "%s %s/%" PRId32 "/%" PRId64 "\n", fault_names[fault],
		c->r.job.spec.topic, partition, offset);
}

/* ---- what is there ---------------------------------------------------------------- */

/* From the ends that the target had when the job began. */
static int
find_spans(struct check *c, struct consume_options *o,
	struct consume_span **spans, struct err *e)
{
	struct replayer *r = &c->r;
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	int result = -1;

	if (admin_topics(r->target, r->o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, r->job.spec.target);
	if (!t) {
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist any more",
			r->job.spec.target);
		goto out;
	}
	if (admin_high(r->o->target_conf, r->o->timeout_ms, t, e))
		goto out;
	*spans = xcalloc((size_t)t->partitions_n, sizeof(**spans));
	for (int i = 0; i < t->partitions_n; i++) {
		int64_t from = i < r->job.target_n ? r->job.target_ends[i] : 0;

		if (from < t->partitions[i].start) {
			diag_warn("'%s' [%d]: records before offset %" PRId64 " are "
				"deleted already, and will be missing", t->name, i,
				t->partitions[i].start);
			from = t->partitions[i].start;
		}
		if (from < t->partitions[i].end)
			(*spans)[o->spans_n++] = (struct consume_span){
				r->job.spec.target, i, from, t->partitions[i].end };
	}
	result = 0;
out:
	admin_topics_release(&topics);
	return result;
}

static void
found(struct check *c, const struct record *rec)
{
	int64_t offset;
	int32_t partition;
	struct slice run;

	if (!replay_tag(rec, &run, &partition, &offset) ||
	    !slice_eq_str(run, c->r.job.run))
		return;
	if (partition < c->begin_n && offset < c->begin[partition])
		c->unchecked++;
	else
		replay_tally_found(&c->tally, partition, offset,
			replay_digest(rec, c->with_timestamp));
}

static int
read_target(struct check *c, struct err *e)
{
	const char *topic = c->r.job.spec.target;
	struct consume_options o = {
		.topics = &topic, .topics_n = 1, .isolation = "read_committed",
		.timeout_ms = c->r.o->timeout_ms, .output_fd = -1,
	};
	struct consume_span *spans = NULL;
	struct consume *in = NULL;
	struct record rec;
	int result = -1;

	if (find_spans(c, &o, &spans, e))
		goto out;
	o.spans = spans;
	result = 0;
	if (!o.spans_n)
		goto out;
	result = -1;
	if (consume_open(&in, c->r.o->target_conf, &o, e))
		goto out;
	for (;;) {
		enum consume_status status = consume_next(in, -1, &rec, e);

		if (status == CONSUME_RECORD)
			found(c, &rec);
		else if (status == CONSUME_END)
			break;
		else if (status != CONSUME_IDLE)
			goto out;
	}
	result = 0;
out:
	consume_close(in);
	free(spans);
	return result;
}

/* What could not be written is not missing: its dead letter has our tag. */
static int
read_dead(struct check *c, struct err *e)
{
	const char *topic = c->r.job.spec.errors_to;
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1, .exit_at_end = true,
		.isolation = "read_committed", .timeout_ms = c->r.o->timeout_ms,
		.output_fd = -1,
	};
	enum consume_status status = CONSUME_IDLE;
	struct consume *in = NULL;
	struct record rec;
	int32_t partition;
	int64_t offset;
	struct slice run;

	if (!topic || !c->r.job.dead)
		return 0;
	if (consume_open(&in, c->r.o->target_conf, &o, e))
		return err_wrap(e, "--errors-to");
	while (status == CONSUME_RECORD || status == CONSUME_IDLE) {
		status = consume_next(in, -1, &rec, e);
		if (status == CONSUME_RECORD &&
		    replay_tag(&rec, &run, &partition, &offset) &&
		    slice_eq_str(run, c->r.job.run))
			replay_tally_found(&c->dead, partition, offset, 0);
	}
	consume_close(in);
	return status == CONSUME_END ? 0 : -1;
}

/* ---- what should be there ---------------------------------------------------------- */

static int
expect(void *arg, const struct record *rec, struct err *e)
{
	struct check *c = arg;
	struct record out;
	int64_t offset;
	int32_t partition;
	struct slice run;

	(void)e;
	replay_shape(&c->r.shape, rec, &out);
	replay_tag(&out, &run, &partition, &offset);
	if (replay_tally_has(&c->dead, partition, offset)) {
		c->dead_n++;
		return 0;
	}
	replay_tally_expect(&c->tally, partition, offset,
		replay_digest(&out, c->with_timestamp));
	return 0;
}

enum { VIA_MAX = 10000 };

static int
expect_source(struct check *c, struct err *e)
{
	struct replayer *r = &c->r;
	const struct record *rec;
	int64_t n = 0;
	int part;

	for (;;) {
		enum consume_status status = r->in->peek(r->in, -1, &rec, &part, e);

		if (status == CONSUME_END)
			return r->via ? replay_via_run(r->via, r->o->timeout_ms,
				expect, c, e) : 0;
		if (status == CONSUME_IDLE)
			continue;
		if (status != CONSUME_RECORD)
			return -1;
		if (replay_selects(&r->select, rec) &&
		    (!r->latest || replay_latest_has(r->latest, rec))) {
			if (r->via)
				replay_via_add(r->via, rec);
			else if (expect(c, rec, e))
				return -1;
			if (r->via && ++n % VIA_MAX == 0 && replay_via_run(r->via,
			    r->o->timeout_ms, expect, c, e))
				return -1;
		}
		r->in->take(r->in);
	}
}

/* The job's ranges from their beginning to where it is. */
static int
read_source(struct check *c, struct err *e)
{
	struct replayer *r = &c->r;

	if (r->job.spec.latest_per_key && replay_latest_build(r, e))
		return -1;
	for (int i = 0; i < r->job.parts_n; i++) {
		struct replay_part *p = &r->job.parts[i];

		p->to = p->next;
		p->next = c->begin[p->partition] < p->to ?
			c->begin[p->partition] : p->to;
	}
	r->pace.kind = PACE_MAX;
	return replayer_open_source(r, e) || expect_source(c, e) ? -1 : 0;
}

/* Where the source begins by now. */
static int
find_begin(struct check *c, struct err *e)
{
	const struct replay_job *j = &c->r.job;
	struct admin_topics topics = { 0 };
	struct admin_topic *t = NULL;
	int result = 0;

	c->begin_n = j->parts_n ? j->parts[j->parts_n - 1].partition + 1 : 0;
	c->begin = xcalloc((size_t)c->begin_n, sizeof(*c->begin));
	for (int i = 0; i < j->parts_n; i++)
		c->begin[j->parts[i].partition] = j->parts[i].from;
	if (j->spec.archive)
		return 0;
	if (admin_topics(c->r.source, c->r.o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, j->spec.topic);
	if (!t)
		result = err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist any "
			"more", j->spec.topic);
	else
		result = admin_offsets(c->r.source, c->r.o->timeout_ms, t, e);
	for (int i = 0; i < j->parts_n && !result; i++) {
		int32_t p = j->parts[i].partition;

		if (p < t->partitions_n && t->partitions[p].start > c->begin[p])
			c->begin[p] = t->partitions[p].start;
	}
	admin_topics_release(&topics);
	return result;
}

static void
account(const struct check *c, struct buf *out)
{
	const struct replay_tally *t = &c->tally;

	buf_addf(out, "{\"job\":\"%s\",\"run\":\"%s\",\"state\":\"%s\",\"expected\":%"
		PRId64 ",\"matched\":%" PRId64, c->r.job.name, c->r.job.run,
		c->r.job.state, t->expected, t->matched);
	for (int f = 0; f < 4; f++)
		buf_addf(out, ",\"%s\":%" PRId64, fault_names[f], t->faults[f]);
	if (c->r.job.spec.errors_to)
		buf_addf(out, ",\"dead\":%" PRId64, c->dead_n);
	buf_addf(out, ",\"unchecked\":%" PRId64 "}\n", c->unchecked);
}

static int
verdict(const struct check *c, struct err *e)
{
	const int64_t *f = c->tally.faults;

	if (!f[FAULT_MISSING] && !f[FAULT_DUPLICATE] && !f[FAULT_ALTERED] &&
	    !f[FAULT_STRANGE])
		return 0;
	return err_set(e, ERR_NO, "job '%s': %" PRId64 " missing, %" PRId64
		" duplicate, %" PRId64 " altered, %" PRId64 " strange of %" PRId64,
		c->r.job.name, f[FAULT_MISSING], f[FAULT_DUPLICATE],
		f[FAULT_ALTERED], f[FAULT_STRANGE], c->tally.expected);
}

/* LogAppendTime: what the target stamps is not what was sent. */
static bool
stamps_itself(struct replayer *r)
{
	struct admin_configs k = { 0 };
	const struct admin_config *c;
	struct err ignored;
	bool yes;

	if (admin_configs(r->target, ADMIN_TOPIC, r->job.spec.target,
	    r->o->timeout_ms, &k, &ignored))
		return false;
	c = admin_configs_find(&k, "message.timestamp.type");
	yes = c && c->value && !strcmp(c->value, "LogAppendTime");
	admin_configs_release(&k);
	return yes;
}

int
replay_verify(const struct replay_options *o, struct buf *faults,
	struct buf *summary, struct err *e)
{
	struct check c = { .faults = faults };
	int result = -1;

	if (replayer_open(&c.r, o, e) || replayer_find(&c.r, e) ||
	    replayer_apply(&c.r, e))
		goto out;
	if (c.r.job.spec.no_tag) {
		err_set(e, ERR_UNSUPPORTED, "job '%s' wrote no headers that say "
			"where records came from (--no-tag)", c.r.job.name);
		goto out;
	}
	c.tally.on_fault = on_fault;
	c.tally.arg = &c;
	c.with_timestamp = c.r.shape.timestamp != REPLAY_TS_NOW &&
		!stamps_itself(&c.r);
	if (c.r.job.spec.archive && replay_archive_plan(&c.r, e))
		goto out;
	if (find_begin(&c, e) || read_target(&c, e) || read_dead(&c, e) ||
	    read_source(&c, e))
		goto out;
	if (c.unchecked)
		diag_warn("%" PRId64 " records came from offsets that the source "
			"does not have any more: they are not checked", c.unchecked);
	replay_tally_finish(&c.tally);
	account(&c, summary);
	result = verdict(&c, e);
out:
	replay_tally_release(&c.tally);
	replay_tally_release(&c.dead);
	free(c.begin);
	replayer_close(&c.r);
	return result;
}
