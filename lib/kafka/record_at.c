#include "kafka/record_at.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/consume.h"

struct reading {
	struct record_place *places; /* by topic, partition */
	int n, open;                 /* of `open` more is wanted */
	int64_t count;
	struct consume *in;
};

static int
by_place(const void *a, const void *b)
{
	const struct record_place *x = a, *y = b;
	int way = strcmp(x->topic, y->topic);

	return way ? way : (x->partition > y->partition) -
		(x->partition < y->partition);
}

static struct record_place *
find(const struct reading *r, const char *topic, int32_t partition)
{
	struct record_place want = { .topic = topic, .partition = partition };

	return bsearch(&want, r->places, (size_t)r->n, sizeof(want), by_place);
}

/* What is there is read: no partition that lacks records has more. */
static bool
is_read(const struct reading *r)
{
	struct consume_position *at = xcalloc((size_t)r->n, sizeof(*at));
	int n = consume_positions(r->in, at, r->n);
	bool read = true;

	for (int i = 0; i < n && i < r->n; i++) {
		const struct record_place *p = find(r, at[i].topic,
			at[i].partition);

		read &= !p || p->got >= r->count || at[i].next >= at[i].end;
	}
	free(at);
	return read;
}

static int
got(struct reading *r, const struct record *record,
	int (*take)(struct record_place *, const struct record *, struct err *),
	struct err *e)
{
	char *topic = xmemdup0(record->topic.data, record->topic.len);
	struct record_place *p = find(r, topic, record->partition);

	free(topic);
	if (!p || p->got >= r->count)
		return 0;
	if (++p->got == r->count) {
		r->open--;
		consume_pause(r->in, p->topic, p->partition, true);
	}
	return take(p, record, e);
}

static int
read_all(struct reading *r, int64_t deadline,
	int (*take)(struct record_place *, const struct record *, struct err *),
	struct err *e)
{
	enum { PACE_MS = 20 };
	struct record record;

	while (r->open && clock_mono_ms(clock_system()) < deadline) {
		switch (consume_next(r->in, PACE_MS, &record, e)) {
		case CONSUME_RECORD:
			if (got(r, &record, take, e))
				return -1;
			break;
		case CONSUME_IDLE:
			if (is_read(r))
				return 0;
			break;
		case CONSUME_ERROR:
		case CONSUME_SIGNAL:
			return -1;
		default:
			return 0;
		}
	}
	return 0;
}

int
record_at(const struct conf *conf, struct record_place *places, int n,
	int64_t count, int timeout_ms,
	int (*take)(struct record_place *place, const struct record *r,
	struct err *e), struct err *e)
{
	int64_t deadline = clock_mono_ms(clock_system()) + timeout_ms;
	struct consume_options o = { .exit_at_end = true,
		.timeout_ms = timeout_ms, .output_fd = -1 };
	const char **topics = xcalloc((size_t)n, sizeof(*topics));
	struct consume_span *spans = xcalloc((size_t)n, sizeof(*spans));
	struct reading r = { .places = places, .n = n, .open = n, .count = count };
	int ret = 0;

	if (n)
		qsort(places, (size_t)n, sizeof(*places), by_place);
	for (int i = 0; i < n; i++) {
		places[i].got = 0;
		spans[i] = (struct consume_span){ places[i].topic,
			places[i].partition, places[i].offset, -1 };
		if (!i || strcmp(places[i].topic, places[i - 1].topic))
			topics[o.topics_n++] = places[i].topic;
	}
	o.topics = topics;
	o.spans = spans;
	o.spans_n = n;
	if (n && (consume_open(&r.in, conf, &o, e) ||
	    read_all(&r, deadline, take, e)))
		ret = -1;
	if (r.in)
		consume_close(r.in);
	free(topics);
	free(spans);
	return ret;
}
