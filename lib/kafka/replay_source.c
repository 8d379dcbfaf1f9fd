/*
 * replay_source.c - a topic as the source of a replay: as records come, or
 * merged by time with a bounded look-ahead.
 */
#include "kafka/replay_source.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/replay_merge.h"

enum {
	LOOK_AHEAD = 64 << 20,  /* bytes that wait for their turn, of all */
	HOLD_BYTES = 8 << 20,   /* a partition with so many is not fetched ... */
	GO_ON_BYTES = 1 << 20,  /* ... until it has less than this */
	GIVE_UP_MS = 1000,      /* partitions that send nothing are not waited for */
	STEP_MS = 20,
};

struct topic_source {
	struct replay_source s;
	const struct replay_job *job;
	struct consume_options o;
	struct consume_span *spans;
	const char *topic;
	struct consume *in;
	struct consume_position *at;
	int *index;             /* of a partition in the job */
	int64_t *expected;      /* its next offset: nothing comes twice */

	bool held;              /* r is peeked and not taken */
	struct record r;
	int part;

	bool by_time;
	bool follow;            /* there is no end */
	struct replay_merge merge;
	bool *paused;
	bool ended;
	int64_t stuck_ms;       /* since when nothing came; 0 = something did */
};

static struct topic_source *
of(struct replay_source *s)
{
	return (struct topic_source *)s;
}

/* The next record that was not given out before. */
static enum consume_status
next(struct topic_source *t, int wait_ms, struct record *r, int *part,
	struct err *e)
{
	for (;;) {
		enum consume_status status = consume_next(t->in, wait_ms, r, e);

		if (status != CONSUME_RECORD)
			return status;
		*part = t->index[r->partition];
		if (r->offset < t->expected[*part])
			continue;
		t->expected[*part] = r->offset + 1;
		return CONSUME_RECORD;
	}
}

static enum consume_status
peek_plain(struct replay_source *s, int wait_ms, const struct record **r,
	int *part, struct err *e)
{
	struct topic_source *t = of(s);
	enum consume_status status = CONSUME_RECORD;

	if (!t->held)
		status = next(t, wait_ms, &t->r, &t->part, e);
	t->held = status == CONSUME_RECORD;
	*r = &t->r;
	*part = t->part;
	return status;
}

static void
take_plain(struct replay_source *s)
{
	of(s)->held = false;
}

/* ---- by time ----------------------------------------------------------------- */

/* Control records at an end are passed without a record that tells of it. */
static void
look_for_ends(struct topic_source *t)
{
	int n = consume_positions(t->in, t->at, t->job->parts_n);

	for (int i = 0; i < n; i++)
		if (t->at[i].end >= 0 && t->at[i].next >= t->at[i].end)
			replay_merge_done(&t->merge, t->index[t->at[i].partition]);
}

static void
hold_back(struct topic_source *t, int part)
{
	size_t bytes = t->merge.queues[part].bytes;
	bool pause = t->paused[part] ? bytes > GO_ON_BYTES : bytes > HOLD_BYTES;

	if (pause == t->paused[part])
		return;
	t->paused[part] = pause;
	consume_pause(t->in, t->topic, t->job->parts[part].partition, pause);
}

/* One more record, or news of ends, into the merge. */
static enum consume_status
gather(struct topic_source *t, int wait_ms, struct err *e)
{
	struct record r;
	int part;
	int64_t now;
	enum consume_status status = next(t, wait_ms, &r, &part, e);

	switch (status) {
	case CONSUME_RECORD:
		replay_merge_add(&t->merge, part, &r);
		if (r.offset + 1 >= t->job->parts[part].to)
			replay_merge_done(&t->merge, part);
		hold_back(t, part);
		t->stuck_ms = 0;
		return status;
	case CONSUME_END:
		t->ended = true;
		return status;
	case CONSUME_IDLE:
		look_for_ends(t);
		now = clock_mono_ms(clock_system());
		if (!t->stuck_ms)
			t->stuck_ms = now;
		return status;
	default:
		return status;
	}
}

static bool
waited_long(const struct topic_source *t)
{
	return t->stuck_ms && clock_mono_ms(clock_system()) - t->stuck_ms > GIVE_UP_MS;
}

/*
 * Without an end, who has given out all that is there is not waited for. What
 * comes of it then is as late as it is.
 */
static bool
has_all(struct topic_source *t)
{
	int n = t->follow ? consume_positions(t->in, t->at, t->job->parts_n) : 0;

	for (int i = 0; i < n; i++)
		if (!t->at[i].at_end && !replay_merge_head(&t->merge,
		    t->index[t->at[i].partition]))
			return false;
	return t->follow;
}

static enum consume_status
peek_by_time(struct replay_source *s, int wait_ms, const struct record **r,
	int *part, struct err *e)
{
	struct topic_source *t = of(s);

	bool idle = false;

	while (!replay_merge_ready(&t->merge, t->ended || waited_long(t) ||
	    (idle && has_all(t)))) {
		bool waiting = t->merge.bytes;
		enum consume_status status;

		if (t->ended)
			return CONSUME_END;
		status = gather(t, waiting && has_all(t) ? 0 : waiting ?
			STEP_MS : wait_ms, e);
		idle = status == CONSUME_IDLE;
		if (status == CONSUME_IDLE && !waiting)
			return status;
		if (status != CONSUME_RECORD && status != CONSUME_IDLE &&
		    status != CONSUME_END)
			return status;
	}
	*r = replay_merge_peek(&t->merge, part);
	return CONSUME_RECORD;
}

static void
take_by_time(struct replay_source *s)
{
	struct topic_source *t = of(s);
	int part;

	replay_merge_take(&t->merge, &part);
	hold_back(t, part);
}

/* ---- both -------------------------------------------------------------------- */

static void
positions(struct replay_source *s, int64_t *next_offset)
{
	struct topic_source *t = of(s);
	int n = consume_positions(t->in, t->at, t->job->parts_n);

	for (int i = 0; i < n; i++) {
		int part = t->index[t->at[i].partition];
		const struct record *head = t->by_time ?
			replay_merge_head(&t->merge, part) :
			t->held && t->part == part ? &t->r : NULL;

		next_offset[part] = head ? head->offset : t->at[i].next;
	}
}

static void
close_topic(struct replay_source *s)
{
	struct topic_source *t = of(s);

	consume_close(t->in);
	replay_merge_release(&t->merge);
	free(t->spans);
	free(t->at);
	free(t->index);
	free(t->expected);
	free(t->paused);
	free(t);
}

static void
set_spans(struct topic_source *t)
{
	const struct replay_job *job = t->job;
	size_t n = (size_t)job->parts_n;
	int32_t highest = n ? job->parts[n - 1].partition : 0;

	t->spans = xcalloc(n, sizeof(*t->spans));
	t->at = xcalloc(n, sizeof(*t->at));
	t->expected = xcalloc(n, sizeof(*t->expected));
	t->paused = xcalloc(n, sizeof(*t->paused));
	t->index = xcalloc((size_t)highest + 1, sizeof(*t->index));
	for (int i = 0; i < job->parts_n; i++) {
		const struct replay_part *p = &job->parts[i];

		t->spans[i] = (struct consume_span){
			t->topic, p->partition, p->next,
			p->to == REPLAY_NO_END ? -1 : p->to };
		t->index[p->partition] = i;
		t->expected[i] = p->next;
	}
}

int
replay_source_topic(struct replay_source **out, const struct conf *conf,
	const struct replay_job *job, bool by_time, int timeout_ms, struct err *e)
{
	struct topic_source *t = xcalloc(1, sizeof(*t));

	t->s = (struct replay_source){
		by_time ? peek_by_time : peek_plain,
		by_time ? take_by_time : take_plain, positions, close_topic };
	t->job = job;
	t->by_time = by_time;
	t->follow = job->spec.follow;
	t->topic = job->spec.topic;
	set_spans(t);
	t->o = (struct consume_options){
		.topics = &t->topic, .topics_n = 1,
		.spans = t->spans, .spans_n = job->parts_n,
		.isolation = "read_committed", .timeout_ms = timeout_ms,
		.output_fd = -1,
	};
	if (by_time) {
		replay_merge_init(&t->merge, job->parts_n, LOOK_AHEAD);
		for (int i = 0; i < job->parts_n; i++)
			if (job->parts[i].next >= job->parts[i].to)
				replay_merge_done(&t->merge, i);
	}
	if (consume_open(&t->in, conf, &t->o, e)) {
		close_topic(&t->s);
		return -1;
	}
	*out = &t->s;
	return 0;
}
