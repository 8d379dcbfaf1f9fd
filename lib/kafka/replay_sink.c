/*
 * replay_sink.c - where records go, and how what is done is remembered.
 *
 * A transaction holds the records, the job's document and, within a cluster,
 * the source's offsets. Without transactions the document follows what is
 * acknowledged, with the ends of the target: behind those a later run looks
 * for what came after it.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/handle.h"
#include "kafka/replayer.h"
#include "kafka/transaction.h"

/* A tag: generation, partition, offset + 1 (0 = a dead letter); 0 = a document. */
enum { TAG_OFFSET_BITS = 46, TAG_GENERATION_BIT = 61, TAG_PARTITION_MAX = 0x7fff, SETTLE_MS = 2000, SETTLE_STEP_MS = 10 };

producer_tag
replayer_dead_tag(const struct replayer *r)
{
	return (producer_tag)r->generation << TAG_GENERATION_BIT |
		UINT64_C(1) << TAG_OFFSET_BITS;
}

static void
on_failure(void *arg, const struct record *rec, producer_tag tag,
	const struct err *why)
{
	struct replayer *r = arg;
	uint64_t next = tag & ((UINT64_C(1) << TAG_OFFSET_BITS) - 1);
	int32_t partition = (int32_t)(tag >> TAG_OFFSET_BITS & TAG_PARTITION_MAX);

	if (tag)
		r->under_way[tag >> TAG_GENERATION_BIT]--;
	if (next && replayer_keep_dead(r, rec, partition, (int64_t)next - 1, why))
		return;
	if (r->failure.code)
		return;
	r->failure = *why;
	/* A right is missing for all of them. */
	if (!next || why->code == ERR_REFUSED)
		err_wrap(&r->failure, "topic '%.*s'", SLICE_ARG(rec->topic));
	else
		err_wrap(&r->failure, "record %s/%d/%" PRIu64, r->job.spec.topic,
			(int)partition, next - 1);
}

/* The target's ends grow with what is acked there: ours is before them. */
static void
on_ack(void *arg, const char *topic, int32_t partition, int64_t offset,
	producer_tag tag)
{
	struct replayer *r = arg;

	(void)topic;
	if (!tag)
		return;
	r->under_way[tag >> TAG_GENERATION_BIT]--;
	if (!(tag & ((UINT64_C(1) << TAG_OFFSET_BITS) - 1)))
		return; /* it is in another topic */
	if (r->acked_ends && partition < r->job.target_n &&
	    offset >= r->acked_ends[partition])
		r->acked_ends[partition] = offset + 1;
}

int
replayer_open_producer(struct replayer *r, struct err *e)
{
	struct producer_options po = {
		.timeout_ms = r->o->timeout_ms, .dry_run = r->o->dry_run,
		.at_once = r->pace.kind == PACE_SPEED || r->pace.kind == PACE_STEP,
		.transactional_id = r->transactional_id,
		.now_option = "--timestamp now",
		.arg = r, .on_failure = on_failure,
	};

	r->unhurried = r->job.mode == REPLAY_SCAN && r->pace.kind != PACE_MAX &&
		!r->o->dry_run;
	if (r->unhurried)
		po.on_ack = on_ack;
	if (producer_open(&r->producer, r->o->target_conf, &po, e))
		return -1;
	/* A dry run of what --create-like would make has nothing to look at. */
	if (!r->target_missing && producer_topic(r->producer, r->shape.topic, e))
		return -1;
	return r->job.spec.errors_to ? producer_topic(r->producer,
		slice_str(r->job.spec.errors_to), e) : 0;
}

int
replayer_begin(struct replayer *r, struct err *e)
{
	if (!r->transactional_id || txn_is_open(r->producer))
		return 0;
	return txn_begin(r->producer, e);
}

int
replayer_send(struct replayer *r, const struct record *rec, struct err *e)
{
	producer_tag tag = (producer_tag)rec->offset + 1;
	struct record out;
	bool failed;

	replay_shape(&r->shape, rec, &out);
	r->room--;
	if (!r->target_missing && replayer_put_aside(r, rec, &out, &failed, e))
		return failed ? -1 : 0;
	tag |= (producer_tag)(rec->partition & TAG_PARTITION_MAX) << TAG_OFFSET_BITS;
	tag |= (producer_tag)r->generation << TAG_GENERATION_BIT;
	r->job.sent++;
	if (r->target_missing)
		return 0;
	r->under_way[r->generation]++;
	if (replayer_begin(r, e) || producer_send(r->producer, &out, tag, e))
		return -1;
	if (!r->failure.code)
		return 0;
	*e = r->failure;
	return -1;
}

/* ---- what is remembered --------------------------------------------------------- */

static int
send_text(struct replayer *r, const struct buf *text, struct err *e)
{
	const struct record doc = {
		.topic = slice_str(REPLAY_JOBS), .partition = 0, .offset = -1,
		.key = slice_str(r->job.name),
		.value = slice_make(text->data, text->len - 1), /* without LF */
	};

	return producer_send(r->producer, &doc, 0, e);
}

static int
send_document(struct replayer *r, struct err *e)
{
	buf_clear(&r->text);
	replay_job_write(&r->job, &r->text);
	return send_text(r, &r->text, e);
}

void
replayer_positions(struct replayer *r)
{
	struct replay_job *j = &r->job;

	if (r->in) {
		for (int i = 0; i < j->parts_n; i++)
			r->next[i] = j->parts[i].next;
		r->in->positions(r->in, r->next);
		for (int i = 0; i < j->parts_n; i++)
			j->parts[i].next = r->next[i];
	}
	j->updated_ms = clock_wall_ms(clock_system());
}

static void
mark_committed(struct replayer *r)
{
	size_t size = (size_t)r->job.parts_n * sizeof(*r->committed);

	if (!r->committed)
		r->committed = xmalloc(size + 1);
	if (size)
		memcpy(r->committed, r->job.parts, size);
	r->committed_read = r->job.read;
	r->committed_sent = r->job.sent;
	r->committed_dead = r->job.dead;
}

void
replayer_rewind_source(struct replayer *r)
{
	if (r->in)
		r->in->close(r->in);
	r->in = NULL;
}

void
replayer_rewind(struct replayer *r)
{
	if (r->committed && r->job.parts_n)
		memcpy(r->job.parts, r->committed,
			(size_t)r->job.parts_n * sizeof(*r->committed));
	r->job.read = r->committed_read;
	r->job.sent = r->committed_sent;
	r->job.dead = r->committed_dead;
	r->failure = (struct err)ERR_INIT;
	replayer_rewind_source(r);
}

/* Ends of the target as they are now: nothing of ours is under way. */
static int
take_ends(struct replayer *r, int64_t **ends, struct err *e)
{
	struct replay_job *j = &r->job;
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	int result = -1;

	if (admin_topics(r->target, r->o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, j->spec.target);
	if (t && !admin_offsets(r->target, r->o->timeout_ms, t, e)) {
		if (t->partitions_n > j->target_n) {
			*ends = xreallocarray(*ends, (size_t)t->partitions_n,
				sizeof(**ends));
			for (int i = j->target_n; i < t->partitions_n; i++)
				(*ends)[i] = 0;
		}
		for (int i = 0; i < t->partitions_n; i++)
			(*ends)[i] = t->partitions[i].end;
		result = t->partitions_n;
	} else if (!t) {
		err_set(e, ERR_NOT_FOUND, "topic '%s' is gone", j->spec.target);
	}
	admin_topics_release(&topics);
	return result;
}

/* Everything is acknowledged, or put aside and that acknowledged. */
static int
flush(struct replayer *r, struct err *e)
{
	do {
		if (replayer_send_dead(r, e) || producer_flush(r->producer, -1, e))
			return -1;
	} while (r->dead);
	if (!r->failure.code)
		return 0;
	*e = r->failure;
	return -1;
}

/*
 * Records that an older run wrote may lie before the ends of now and come from
 * behind where we are: then the ends stay, or a next run would not find them.
 */
static bool
is_past_seen(const struct replayer *r)
{
	for (int i = 0; i < r->job.parts_n && r->look_seen; i++) {
		const struct replay_part *p = &r->job.parts[i];

		if (replay_tally_last(&r->seen, p->partition) >= p->next)
			return false;
	}
	return true;
}

static void
keep_ends(struct replayer *r)
{
	r->acked_ends = xreallocarray(r->acked_ends, (size_t)r->job.target_n + 1,
		sizeof(*r->acked_ends));
	for (int i = 0; i < r->job.target_n; i++)
		r->acked_ends[i] = r->job.flushed_ends[i];
}

static int
renew_ends(struct replayer *r, struct err *e)
{
	struct replay_job *j = &r->job;
	int n = take_ends(r, &j->flushed_ends, e);

	if (n < 0)
		return -1;
	for (; j->target_n < n; j->target_n++) {
		j->target_ends = xreallocarray(j->target_ends, (size_t)n,
			sizeof(*j->target_ends));
		j->target_ends[j->target_n] = 0;
	}
	keep_ends(r);
	return 0;
}

static int
commit_scan(struct replayer *r, struct err *e)
{
	r->snapshot = false; /* this one is newer */
	if (flush(r, e) || (is_past_seen(r) && renew_ends(r, e)))
		return -1;
	return send_document(r, e) || flush(r, e) ? -1 : 0;
}

/*
 * What is read now is done once it is acked. Records behind it are sent later,
 * and so lie behind the ends of now.
 */
void
replayer_snapshot(struct replayer *r)
{
	if (r->snapshot)
		return;
	replayer_positions(r);
	r->committed_read = r->job.read;
	for (int i = 0; i < r->job.target_n && is_past_seen(r); i++)
		r->job.flushed_ends[i] = r->acked_ends[i];
	buf_clear(&r->snapshot_text);
	replay_job_write(&r->job, &r->snapshot_text);
	r->generation = !r->generation;
	r->snapshot = true;
}

int
replayer_end_snapshot(struct replayer *r, struct err *e)
{
	if (r->failure.code) {
		*e = r->failure;
		return -1;
	}
	if (!r->snapshot || r->under_way[!r->generation])
		return 0;
	r->snapshot = false;
	return send_text(r, &r->snapshot_text, e);
}

static int
commit_txn(struct replayer *r, struct err *e)
{
	const struct txn_source group = { r->group, NULL };
	struct group_offsets offsets = { 0 };
	int result;

	for (int i = 0; r->group && i < r->job.parts_n; i++)
		group_offsets_add(&offsets, slice_str(r->job.spec.topic),
			r->job.parts[i].partition, r->job.parts[i].next, r->job.run);
	result = replayer_begin(r, e) || send_document(r, e) || txn_commit(
		r->producer, r->group ? &group : NULL, &offsets, e) ? -1 : 0;
	group_offsets_release(&offsets);
	if (result && r->failure.code && e->code == ERR_FAILED)
		*e = r->failure;
	return result;
}

int
replayer_commit(struct replayer *r, const char *state, struct err *e)
{
	int result = 0;

	if (strcmp(r->job.state, state)) {
		free(r->job.state);
		r->job.state = xstrdup(state);
	}
	replayer_positions(r);
	if (r->o->dry_run)
		result = 0;
	else if (replayer_is_txn(r))
		result = commit_txn(r, e);
	else if (r->job.mode == REPLAY_SCAN)
		result = commit_scan(r, e);
	else
		result = flush(r, e);
	if (!result)
		mark_committed(r);
	return result;
}

/* The first document: from here on there is a job to go on with. */
int
replayer_begin_job(struct replayer *r, struct err *e)
{
	struct replay_job *j = &r->job;
	int n = 0;

	if (r->o->dry_run) {
		mark_committed(r);
		return 0;
	}
	if (r->is_new) {
		j->target_n = 0;
		n = take_ends(r, &j->target_ends, e);
		if (n < 0)
			return -1;
		j->target_n = n;
		free(j->flushed_ends);
		j->flushed_ends = xcalloc((size_t)n, sizeof(*j->flushed_ends));
		for (int i = 0; i < n; i++)
			j->flushed_ends[i] = j->target_ends[i];
	}
	keep_ends(r);
	return replayer_commit(r, "running", e);
}

static bool
is_seen(const struct admin_topic *t, const int64_t *highs)
{
	for (int i = 0; i < t->partitions_n; i++)
		if (t->partitions[i].end < highs[i])
			return false;
	return true;
}

/*
 * A commit is decided before it is to be seen: brokers write its markers
 * afterwards. Who reads behind us should find everything. Not for long: others
 * may have transactions open there.
 */
void
replayer_settle(struct replayer *r)
{
	int64_t until = clock_mono_ms(clock_system()) + SETTLE_MS;
	struct admin_topics topics = { 0 };
	struct admin_topic *t = NULL;
	struct err ignored;
	int64_t *highs = NULL;

	if (!r->transactional_id)
		return;
	if (!admin_topics(r->target, r->o->timeout_ms, &topics, &ignored))
		t = admin_topics_find(&topics, r->job.spec.target);
	if (t && !admin_high(r->o->target_conf, r->o->timeout_ms, t, &ignored)) {
		highs = xcalloc((size_t)t->partitions_n, sizeof(*highs));
		for (int i = 0; i < t->partitions_n; i++)
			highs[i] = t->partitions[i].end;
		while (!admin_offsets(r->target, r->o->timeout_ms, t, &ignored) &&
		    !is_seen(t, highs) && clock_mono_ms(clock_system()) < until)
			poll(NULL, 0, SETTLE_STEP_MS);
	}
	free(highs);
	admin_topics_release(&topics);
}

int
replayer_open_source(struct replayer *r, struct err *e)
{
	bool by_time = r->pace.kind == PACE_SPEED;

	if (!r->next)
		r->next = xcalloc((size_t)r->job.parts_n, sizeof(*r->next));
	r->selected = 0;
	for (int i = 0; i < r->job.parts_n; i++)
		r->selected += r->job.parts[i].sent;
	if (r->job.spec.archive)
		return replay_source_archive(&r->in, &r->job, by_time, e);
	return replay_source_topic(&r->in, r->o->source_conf, &r->job, by_time,
		r->o->timeout_ms, e);
}
