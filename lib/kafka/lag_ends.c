/*
 * lag_ends.c - the logs behind the commits: which partitions there are, who
 * leads them, where they start and end.
 *
 * rd_kafka_offsets_for_times() takes -1 and -2 for the ends. It searches its
 * list linearly, hence small chunks; one error a broker reports fails the
 * whole call, hence halves; a broker that does not answer holds up the call,
 * hence threads of each leader's own, which also keep several chunks in flight.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/lag_pass.h"

enum { CHUNK = 500, THREADS = 4, ASKED_ALONE_MAX = 50, PAUSE_MS = 50,
	PAUSE_MAX_MS = 1000 };

/* ---- topics ---------------------------------------------------------------------- */

static void
set_gone(struct lag_topic *t, enum lag_reason reason, const char *error)
{
	t->reason = reason;
	t->error = error;
}

static void
set_topic(struct lag_pass *pass, struct lag_topic *t,
	const rd_kafka_metadata_topic_t *md)
{
	if (md->err) {
		t->reason = lag_reason_of(md->err, &t->error);
		return;
	}
	set_gone(t, LAG_NO_REASON, NULL);
	t->logs_n = md->partition_cnt;
	t->logs = arena_array(&pass->s->arena, (size_t)t->logs_n,
		sizeof(*t->logs));
	for (int i = 0; i < t->logs_n; i++)
		t->logs[i] = (struct lag_log){ -1, -1, -1, -1, LAG_TOPIC_GONE,
			NULL, false };
	for (int i = 0; i < md->partition_cnt; i++) {
		const rd_kafka_metadata_partition_t *p = &md->partitions[i];

		if (p->id < 0 || p->id >= t->logs_n)
			continue;
		t->logs[p->id].leader = p->leader;
		t->logs[p->id].reason = p->leader < 0 ? LAG_NO_LEADER :
			LAG_NO_REASON;
	}
}

/* A topic that the list of all lacks: deleted, or not for this user to see. */
static void
ask_alone(struct lag_pass *pass, struct lag_topic *t)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(pass->rk, t->name, NULL);
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code;

	if (!rkt)
		return;
	code = rd_kafka_metadata(pass->rk, 0, rkt, &md, lag_share_ms(pass));
	if (code) {
		t->reason = lag_reason_of(code, &t->error);
	} else {
		if (md->topic_cnt == 1)
			set_topic(pass, t, &md->topics[0]);
		rd_kafka_metadata_destroy(md);
	}
	rd_kafka_topic_destroy(rkt);
}

void
lag_topics(struct lag_pass *pass)
{
	const struct rd_kafka_metadata *md = NULL;
	enum lag_reason reason = LAG_TOPIC_GONE;
	const char *error = NULL;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int timeout_ms = lag_share_ms(pass), alone = 0;
	struct lag_topic *t;

	if (!pass->s->topics.len)
		return;
	if (timeout_ms)
		code = rd_kafka_metadata(pass->rk, 1, NULL, &md, timeout_ms);
	if (code)
		reason = lag_reason_of(code, &error);
	for (size_t i = 0; (t = map_next(&pass->s->topics, &i)); )
		set_gone(t, reason, error);
	if (code)
		return;
	pass->s->brokers_n = md->broker_cnt;
	for (int i = 0; i < md->topic_cnt; i++) {
		t = lag_topic_find(pass->s, slice_str(md->topics[i].topic));
		if (t)
			set_topic(pass, t, &md->topics[i]);
	}
	rd_kafka_metadata_destroy(md);
	for (size_t i = 0; (t = map_next(&pass->s->topics, &i)); )
		if (t->reason == LAG_TOPIC_GONE && alone++ < ASKED_ALONE_MAX)
			ask_alone(pass, t);
}

/* ---- ends -------------------------------------------------------------------------- */

struct place {
	struct lag_log *log;
	const char *topic;
	int32_t id;
};

/* What is asked for: the time in a request, and the member of the answer. */
enum which { END, START, STABLE };

/* Asking for all that is wanted, once. */
struct round {
	struct lag_pass *pass;
	int64_t end_ms;         /* monotonic */
	bool again;             /* leaders that have moved are known */
};

struct leader {
	const struct round *round;
	struct place *places;
	int n;
	enum which which;
	atomic_int next;        /* the first place that nobody asks for yet */
	pthread_t thread;
	bool has_thread;
};

/* When a leader is silent for the rest of the time, what it said before is told. */
static void
fail(struct place *places, int n, rd_kafka_resp_err_t code)
{
	const char *error;
	enum lag_reason reason = lag_reason_of(code, &error);

	for (int i = 0; i < n; i++) {
		struct lag_log *log = places[i].log;

		if (reason == LAG_TIMEOUT && log->error) {
			log->reason = LAG_NO_LEADER;
			continue;
		}
		log->reason = reason;
		log->error = error;
	}
}

static void
take(struct lag_log *log, const rd_kafka_topic_partition_t *from, enum which which)
{
	if (from->err || from->offset < 0)
		log->reason = lag_reason_of(from->err ? from->err :
			RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, &log->error);
	else
		*(which == END ? &log->end : which == START ? &log->start :
			&log->stable) = from->offset;
}

static int
left_ms(const struct round *r)
{
	int64_t left = r->end_ms - clock_mono_ms(clock_system());

	return left <= 0 || sig_caught() ? 0 : (int)left;
}

/* Silence fails all; and so does a leader that has moved: most are at the new one. */
static bool
fails_together(const struct round *r, rd_kafka_resp_err_t code)
{
	const char *ignored;
	enum lag_reason reason = lag_reason_of(code, &ignored);

	return reason == LAG_TIMEOUT || (reason == LAG_NO_LEADER && !r->again);
}

/* In halves where it fails, so that one bad partition fails alone. */
static void
ask_chunk(const struct leader *leader, struct place *places, int n)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(n);
	const struct lag_pass *pass = leader->round->pass;
	enum which which = leader->which;
	int timeout_ms = left_ms(leader->round);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;

	for (int i = 0; i < n; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(l,
			places[i].topic, places[i].id);

		p->offset = which == START ? RD_KAFKA_OFFSET_BEGINNING :
			RD_KAFKA_OFFSET_END;
		p->opaque = places[i].log;
	}
	if (timeout_ms)
		code = rd_kafka_offsets_for_times(which == STABLE ?
			pass->stable_rk : pass->rk, l, timeout_ms);
	for (int i = 0; !code && i < l->cnt; i++)
		take(l->elems[i].opaque, &l->elems[i], which);
	rd_kafka_topic_partition_list_destroy(l);
	if (!code)
		return;
	if (n == 1 || fails_together(leader->round, code)) {
		fail(places, n, code);
		return;
	}
	ask_chunk(leader, places, n / 2);
	ask_chunk(leader, places + n / 2, n - n / 2);
}

/* A thread's work: chunks of the leader until there are none left. */
static void *
ask_leader(void *arg)
{
	struct leader *l = arg;
	int i;

	while ((i = atomic_fetch_add(&l->next, CHUNK)) < l->n)
		ask_chunk(l, l->places + i, l->n - i < CHUNK ? l->n - i : CHUNK);
	return NULL;
}

static int
by_leader(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c;

	if (x->log->leader != y->log->leader)
		return x->log->leader < y->log->leader ? -1 : 1;
	c = x->topic == y->topic ? 0 : strcmp(x->topic, y->topic);
	return c ? c : (x->id > y->id) - (x->id < y->id);
}

/* All chunks of the leader, several in flight. */
static void
ask_all(struct leader *l, enum which which)
{
	int chunks = (l->n + CHUNK - 1) / CHUNK, n;
	pthread_t threads[THREADS];

	l->which = which;
	l->next = 0;
	for (n = 0; n < chunks - 1 && n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, ask_leader, l))
			break;
	ask_leader(l);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

/* To the end, where follow() finds them. */
static void
drop_failed(struct leader *l)
{
	int n = 0;

	for (int i = 0; i < l->n; i++) {
		struct place p = l->places[i];

		if (p.log->reason)
			continue;
		l->places[i] = l->places[n];
		l->places[n++] = p;
	}
	l->n = n;
}

/* Ends, then the rest of those that have one; ends are read after commits. */
static void *
ask_everything(void *arg)
{
	struct leader *l = arg;

	ask_all(l, END);
	drop_failed(l);
	ask_all(l, START);
	drop_failed(l);
	if (l->round->pass->stable_rk)
		ask_all(l, STABLE);
	return NULL;
}

static void
ask_leaders(const struct round *r, struct place *places, int n)
{
	struct leader *leaders = xcalloc((size_t)n, sizeof(*leaders));
	int leaders_n = 0;

	if (n)
		qsort(places, (size_t)n, sizeof(*places), by_leader);
	for (int i = 0; i < n; i++) {
		if (!i || places[i].log->leader != places[i - 1].log->leader)
			leaders[leaders_n++] = (struct leader){ .round = r,
				.places = &places[i] };
		leaders[leaders_n - 1].n++;
	}
	for (int i = 1; i < leaders_n; i++)
		leaders[i].has_thread = !pthread_create(&leaders[i].thread, NULL,
			ask_everything, &leaders[i]);
	for (int i = 0; i < leaders_n; i++)
		if (!leaders[i].has_thread)
			ask_everything(&leaders[i]);
	for (int i = 0; i < leaders_n; i++)
		if (leaders[i].has_thread)
			pthread_join(leaders[i].thread, NULL);
	free(leaders);
}

/* ---- leaders that move ---------------------------------------------------------- */

/* Who leads now; one that was only silent, and leads no more, is one that has moved. */
static int
list_leaders(struct lag_pass *pass, int timeout_ms)
{
	const struct rd_kafka_metadata *md;

	if (!timeout_ms || rd_kafka_metadata(pass->rk, 1, NULL, &md, timeout_ms))
		return -1;
	for (int i = 0; i < md->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *from = &md->topics[i];
		struct lag_topic *t = lag_topic_find(pass->s, slice_str(from->topic));

		for (int k = 0; t && k < from->partition_cnt; k++) {
			int32_t id = from->partitions[k].id, leader = from->partitions[k].leader;
			struct lag_log *log = id >= 0 && id < t->logs_n ? &t->logs[id] : NULL;

			if (!log)
				continue;
			if (log->reason == LAG_TIMEOUT && log->leader != leader)
				log->reason = LAG_NO_LEADER;
			log->leader = leader;
		}
	}
	rd_kafka_metadata_destroy(md);
	return 0;
}

/* Those for which there is a leader to be asked, as if they had not been before. */
static int
keep_led(struct place *places, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		struct lag_log *log = places[i].log;

		if (log->reason != LAG_NO_LEADER || log->leader < 0)
			continue;
		log->reason = LAG_NO_REASON;
		places[kept++] = places[i];
	}
	return kept;
}

static bool
may_have_moved(const struct place *places, int n)
{
	int i = 0;

	while (i < n && places[i].log->reason != LAG_NO_LEADER &&
	    places[i].log->reason != LAG_TIMEOUT)
		i++;
	return i < n;
}

/*
 * A leader that moves after the topics were listed says that it is none, or
 * says nothing more. Its partitions are asked for where they are then, again
 * and again: the new one may not know of it yet.
 */
static void
follow(struct lag_pass *pass, struct place *places, int n)
{
	struct round r = { pass, clock_mono_ms(clock_system()) +
		lag_share_ms(pass), true };
	int pause_ms = PAUSE_MS;

	while (may_have_moved(places, n) && left_ms(&r) > pause_ms) {
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, pause_ms);
		if (list_leaders(pass, left_ms(&r)))
			return;
		n = keep_led(places, n);
		ask_leaders(&r, places, n);
		pause_ms = pause_ms < PAUSE_MAX_MS / 2 ? pause_ms * 2 :
			PAUSE_MAX_MS;
	}
}

/* ---- all of it --------------------------------------------------------------------- */

/* The logs that rows name and that can be asked for; returns how many. */
static int
list_wanted(struct lag_pass *pass, struct place *places, bool only_ahead)
{
	int n = 0;

	for (int i = 0; i < pass->s->groups_n; i++) {
		struct lag_group *g = &pass->s->groups[i];

		for (int k = 0; k < g->partitions_n; k++) {
			struct lag_partition *p = &g->partitions[k];
			struct lag_log *log = p->topic && p->id >= 0 &&
				p->id < p->topic->logs_n ?
				&p->topic->logs[p->id] : NULL;

			if (!log || log->reason || log->wanted ||
			    (only_ahead && p->committed <= log->end))
				continue;
			log->wanted = true;
			places[n++] = (struct place){ log, p->topic->name, p->id };
		}
	}
	return n;
}

static int
rows_of(const struct lag_snapshot *s)
{
	int n = 0;

	for (int i = 0; i < s->groups_n; i++)
		n += s->groups[i].partitions_n;
	return n;
}

static void
ask_once(struct lag_pass *pass, struct place *places, int n)
{
	struct round r = { pass, clock_mono_ms(clock_system()) +
		lag_share_ms(pass), false };

	ask_leaders(&r, places, n);
}

void
lag_ends(struct lag_pass *pass)
{
	struct place *places = xcalloc((size_t)rows_of(pass->s), sizeof(*places));
	int n = list_wanted(pass, places, false);

	ask_once(pass, places, n);
	follow(pass, places, n);
	free(places);
}

void
lag_ends_again(struct lag_pass *pass)
{
	struct place *places = xcalloc((size_t)rows_of(pass->s), sizeof(*places));
	struct lag_topic *t;
	int n;

	for (size_t i = 0; (t = map_next(&pass->s->topics, &i)); )
		for (int k = 0; k < t->logs_n; k++)
			t->logs[k].wanted = false;
	n = list_wanted(pass, places, true);
	if (n) {
		/* time for a high watermark to arrive at a new leader */
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, 50);
		ask_once(pass, places, n);
	}
	free(places);
}
