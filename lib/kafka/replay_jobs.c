/* replay_jobs.c - the documents of all jobs, in their topic. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/admin.h"
#include "kafka/consume.h"
#include "kafka/replay_job.h"

int
replay_jobs_prepare(struct client *c, int timeout_ms, struct err *e)
{
	static const struct admin_change configs[] = {
		{ "cleanup.policy", "compact" },
		{ "segment.bytes", "16777216" },
		{ "min.cleanable.dirty.ratio", "0.1" },
	};
	const struct admin_options o = { .timeout_ms = timeout_ms };
	struct admin_topics topics = { 0 };
	bool there;

	if (admin_topics(c, timeout_ms, &topics, e))
		return -1;
	there = admin_topics_find(&topics, REPLAY_JOBS);
	admin_topics_release(&topics);
	if (there)
		return 0;
	if (admin_create(c, REPLAY_JOBS, 1, -1, configs, 3, &o, e) &&
	    e->code != ERR_EXISTS)
		return err_wrap(e, "cannot make topic '" REPLAY_JOBS "', which "
			"remembers how far replays are%s", e->code != ERR_REFUSED ?
			"" : " (it needs CREATE; who has that: kc-topics create "
			REPLAY_JOBS " -c cleanup.policy=compact)");
	return admin_await(c, REPLAY_JOBS, timeout_ms, e);
}

/* The newest document of a name, as text: only that is parsed, at the end. */
struct text {
	struct slice name;  /* NUL behind it; owned */
	struct buf json;
	int64_t offset;
};

static void
take(struct map *by_name, const struct record *r)
{
	struct text *t = map_get(by_name, r->key);

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->name = slice_make(xmemdup0(r->key.data, r->key.len), r->key.len);
		map_put(by_name, t->name, t);
	}
	t->offset = r->offset;
	buf_clear(&t->json);
	buf_addslice(&t->json, r->value);
}

static int
read_all(struct map *by_name, struct consume *in, const char *name,
	struct err *e)
{
	struct record r;

	for (;;) {
		switch (consume_next(in, -1, &r, e)) {
		case CONSUME_RECORD:
			if (!slice_is_null(r.key) &&
			    (!name || slice_eq_str(r.key, name)))
				take(by_name, &r);
			break;
		case CONSUME_END:
			return 0;
		case CONSUME_IDLE:
			break;
		case CONSUME_SIGNAL:
			return -1;
		default:
			return err_wrap(e, "topic '" REPLAY_JOBS "'");
		}
	}
}

static int
by_name_order(const void *a, const void *b)
{
	const struct replay_job *p = a, *q = b;

	return strcmp(p->name, q->name);
}

/* A tombstone has no text: there is no such job any more. */
static void
collect(struct replay_jobs *out, struct map *by_name)
{
	struct text *t;
	struct err why;

	out->items = xcalloc(by_name->len, sizeof(*out->items));
	for (size_t i = 0; (t = map_next(by_name, &i)); ) {
		struct replay_job *j = &out->items[out->n];

		if (!t->json.len) {
		} else if (!replay_job_read(j, buf_slice(&t->json), &why) &&
			   slice_eq_str(t->name, j->name)) {
			out->n++;
		} else {
			diag_warn("topic '" REPLAY_JOBS "' [0] offset %lld is no "
				"job of kc-replay: passed over", (long long)t->offset);
			replay_job_release(j);
		}
		buf_release(&t->json);
		free((void *)t->name.data);
		free(t);
	}
	map_release(by_name);
	if (out->n)
		qsort(out->items, (size_t)out->n, sizeof(*out->items), by_name_order);
}

int
replay_jobs_load(struct replay_jobs *out, struct client *c,
	const struct conf *conf, const char *name, int settle_ms, int timeout_ms,
	struct err *e)
{
	static const char *const topic = REPLAY_JOBS;
	struct consume_span span = { REPLAY_JOBS, 0, -1, -1 };
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1, .spans = &span, .spans_n = 1,
		.isolation = "read_committed",
		.timeout_ms = settle_ms ? settle_ms : timeout_ms,
		.exit_at_end = !settle_ms, .output_fd = -1,
	};
	struct admin_topics topics = { 0 };
	struct admin_topic *t;
	struct map found = { 0 };
	struct consume *in = NULL;
	int result = -1;

	*out = (struct replay_jobs){ 0 };
	if (admin_topics(c, timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, REPLAY_JOBS);
	if (t && admin_high(conf, timeout_ms, t, e))
		goto out;
	result = 0;
	if (!t || !t->partitions_n || t->partitions[0].end <= 0)
		goto out;
	span.to = t->partitions[0].end;
	result = consume_open(&in, conf, &o, e) ||
		read_all(&found, in, name, e) ? -1 : 0;
out:
	consume_close(in);
	collect(out, &found);
	admin_topics_release(&topics);
	return result;
}

void
replay_jobs_release(struct replay_jobs *j)
{
	for (int i = 0; i < j->n; i++)
		replay_job_release(&j->items[i]);
	free(j->items);
	*j = (struct replay_jobs){ 0 };
}
