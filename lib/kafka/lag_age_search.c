/*
 * lag_age_search.c - timestamps by asking for offsets by timestamp: a step is
 * one call for all partitions of a leader. A request may name a partition
 * once, so where groups are at several places of one, these take turns.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/lag_position.h"
#include "model/lag_search.h"

enum { CHUNK = 1000 };

struct probe {
	struct lag_place *at;
	struct lag_search search;
	bool failed;
};

static bool
is_open(const struct probe *p)
{
	return !p->failed && !p->search.done;
}

static void
fail_all(struct probe **asked, int n)
{
	for (int i = 0; i < n; i++)
		asked[i]->failed = true;
}

/* One step of the probes asked for; a call that fails is tried in halves. */
static void
step(rd_kafka_t *rk, struct probe **asked, int n, int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_mono_ms(clock_system());
	rd_kafka_topic_partition_list_t *l;
	rd_kafka_resp_err_t code;

	if (left <= 0 || sig_caught()) {
		fail_all(asked, n);
		return;
	}
	l = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(l,
			asked[i]->at->topic->name, asked[i]->at->id);

		p->offset = asked[i]->search.probe;
		p->opaque = asked[i];
	}
	code = rd_kafka_offsets_for_times(rk, l, left > 1000000 ? 1000000 :
		(int)left);
	for (int i = 0; !code && i < l->cnt; i++) {
		struct probe *p = l->elems[i].opaque;

		if (l->elems[i].err)
			p->failed = true;
		else
			lag_search_step(&p->search, l->elems[i].offset);
	}
	rd_kafka_topic_partition_list_destroy(l);
	if (code && (n == 1 || code == RD_KAFKA_RESP_ERR__TIMED_OUT)) {
		fail_all(asked, n);
	} else if (code) {
		step(rk, asked, n / 2, deadline_ms);
		step(rk, asked + n / 2, n - n / 2, deadline_ms);
	}
}

/* The first open probe of each partition; returns how many. */
static int
choose(struct probe *probes, int n, struct probe **asked)
{
	const struct lag_place *last = NULL;
	int chosen = 0;

	for (int i = 0; i < n; i++) {
		const struct lag_place *at = probes[i].at;

		if (!is_open(&probes[i]) || (last && last->topic == at->topic &&
		    last->id == at->id))
			continue;
		last = at;
		asked[chosen++] = &probes[i];
	}
	return chosen;
}

void
lag_age_search(rd_kafka_t *rk, struct lag_places *l, int64_t now_ms,
	int64_t deadline_ms, bool only_refused)
{
	struct probe *probes = xcalloc((size_t)l->n, sizeof(*probes));
	struct probe **asked = xcalloc((size_t)l->n, sizeof(*asked));
	int n = 0, chosen;

	for (int i = 0; i < l->n; i++) {
		struct lag_place *at = &l->items[i];

		if (at->source != LAG_AGE_NONE || at->markers ||
		    (only_refused && !at->refused))
			continue;
		probes[n].at = at;
		lag_search_init(&probes[n++].search, at->offset, now_ms);
	}
	while ((chosen = choose(probes, n, asked)))
		for (int i = 0; i < chosen; i += CHUNK)
			step(rk, asked + i, chosen - i < CHUNK ? chosen - i : CHUNK,
				deadline_ms);
	for (int i = 0; i < n; i++) {
		struct lag_search *s = &probes[i].search;

		if (probes[i].failed || s->found_ms < 0)
			continue;
		probes[i].at->oldest_ms = s->found_ms;
		probes[i].at->source = s->exact ? LAG_AGE_SEARCH : LAG_AGE_BOUND;
	}
	free(asked);
	free(probes);
}
