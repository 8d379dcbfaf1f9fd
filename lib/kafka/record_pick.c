#include "kafka/record_pick.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "kafka/consume.h"

/* To read over so many records is quicker than to begin anew behind them. */
enum { GAP = 20000, AHEAD = 20000 };

/* The picks of one partition; those from `at` on are not looked for yet. */
struct part {
	struct record_pick *picks;
	int n, at;
	int end;        /* of this round: picks at..end */
};

struct picking {
	struct part *parts;
	int n;
	struct part *latest;
	int (*take)(struct record_pick *x, const struct record *r, struct err *e);
};

static int
by_offset(const void *a, const void *b)
{
	const struct record_pick *x = a, *y = b;
	int way = strcmp(x->topic, y->topic);

	if (!way)
		way = (x->partition > y->partition) - (x->partition < y->partition);
	return way ? way : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool
is_of(const struct record_pick *x, struct slice topic, int32_t partition)
{
	return x->partition == partition && slice_eq_str(topic, x->topic);
}

static void
split(struct picking *p, struct record_pick *list, int n)
{
	p->parts = xcalloc((size_t)n, sizeof(*p->parts));
	for (int i = 0; i < n; i++) {
		struct part *last = p->n ? &p->parts[p->n - 1] : NULL;

		list[i].got = false;
		if (last && is_of(last->picks, slice_str(list[i].topic),
		    list[i].partition))
			last->n++;
		else
			p->parts[p->n++] = (struct part){ &list[i], 1, 0, 0 };
	}
}

/* What each partition is read for in this round; returns how many are. */
static int
plan_round(struct picking *p, struct consume_span *spans)
{
	int n = 0;

	for (int i = 0; i < p->n; i++) {
		struct part *x = &p->parts[i];

		x->end = x->at;
		if (x->at == x->n)
			continue;
		do
			x->end++;
		while (x->end < x->n && x->picks[x->end].offset -
		       x->picks[x->end - 1].offset <= GAP);
		spans[n++] = (struct consume_span){ x->picks->topic,
			x->picks->partition, x->picks[x->at].offset,
			x->picks[x->end - 1].offset + 1 };
	}
	return n;
}

static struct part *
find(struct picking *p, const struct record *r)
{
	if (p->latest && is_of(p->latest->picks, r->topic, r->partition))
		return p->latest;
	for (int i = 0; i < p->n; i++)
		if (is_of(p->parts[i].picks, r->topic, r->partition))
			return p->latest = &p->parts[i];
	return NULL;
}

/* What lies before it and was not given is not there. */
static int
give(struct picking *p, const struct record *r, struct err *e)
{
	struct part *x = find(p, r);

	while (x && x->at < x->end && x->picks[x->at].offset <= r->offset) {
		struct record_pick *pick = &x->picks[x->at++];

		if (pick->offset < r->offset)
			continue;
		pick->got = true;
		if (p->take(pick, r, e))
			return -1;
	}
	return 0;
}

static int
read_round(struct picking *p, const struct conf *conf,
	const struct consume_options *o, struct err *e)
{
	enum consume_status status = CONSUME_IDLE;
	struct consume *c;
	struct record r;

	if (consume_open(&c, conf, o, e))
		return -1;
	while (status == CONSUME_IDLE || status == CONSUME_RECORD) {
		status = consume_next(c, -1, &r, e);
		if (status == CONSUME_RECORD && give(p, &r, e))
			status = CONSUME_ERROR;
	}
	consume_close(c);
	for (int i = 0; i < p->n; i++)
		p->parts[i].at = p->parts[i].end;
	return status == CONSUME_END ? 0 : -1;
}

int
record_pick(const struct conf *conf, struct record_pick *list, int n,
	int timeout_ms,
	int (*take)(struct record_pick *x, const struct record *r, struct err *e),
	struct err *e)
{
	struct consume_options o = { .exit_at_end = true,
		.isolation = "read_committed", .timeout_ms = timeout_ms,
		.output_fd = -1, .ahead = AHEAD };
	struct picking p = { .take = take };
	struct consume_span *spans;
	const char **topics;
	int result = 0;

	if (!n)
		return 0;
	qsort(list, (size_t)n, sizeof(*list), by_offset);
	split(&p, list, n);
	spans = xcalloc((size_t)p.n, sizeof(*spans));
	topics = xcalloc((size_t)p.n, sizeof(*topics));
	o.spans = spans;
	o.topics = topics;
	while (!result && (o.spans_n = plan_round(&p, spans))) {
		o.topics_n = 0;
		for (int i = 0; i < o.spans_n; i++)
			if (!i || strcmp(spans[i].topic, spans[i - 1].topic))
				topics[o.topics_n++] = spans[i].topic;
		result = read_round(&p, conf, &o, e);
	}
	free(p.parts);
	free(spans);
	free(topics);
	return result;
}
