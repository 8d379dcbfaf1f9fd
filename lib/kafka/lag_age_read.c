/*
 * lag_age_read.c - timestamps by reading the records: every partition from
 * its lowest place on, on one queue, until the last place has its record.
 *
 * Messages of a partition come in order, so the first one at or behind a place
 * answers it; a seek only saves what lies between two places.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/lag_position.h"

/* Nearer places are reached by reading on. */
enum { SEEK_FROM = 64, BATCH = 256, KICKS = 20 };

struct part {
	struct lag_place *next, *end; /* places without an answer yet */
	const char *topic;
	int32_t id;
	rd_kafka_topic_t *rkt;
	bool started;
};

struct fetch {
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	struct part *parts;          /* by topic, partition */
	int n, open;
};

static void
pause_part(struct fetch *f, struct part *p)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(l, p->topic, p->id);
	rd_kafka_pause_partitions(f->rk, l);
	rd_kafka_topic_partition_list_destroy(l);
}

/* A pause outlives the end of reading: who reads here next would get nothing. */
static void
resume_all(struct fetch *f)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(f->n);

	for (int i = 0; i < f->n; i++)
		if (f->parts[i].started)
			rd_kafka_topic_partition_list_add(l, f->parts[i].topic,
				f->parts[i].id);
	rd_kafka_resume_partitions(f->rk, l);
	rd_kafka_topic_partition_list_destroy(l);
}

static void
close_part(struct fetch *f, struct part *p)
{
	p->next = p->end;
	pause_part(f, p);
	f->open--;
}

static void
take_record(struct fetch *f, struct part *p, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);
	bool known = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0;

	for (; p->next < p->end && p->next->offset <= m->offset; p->next++) {
		p->next->source = known ? LAG_AGE_RECORD : LAG_AGE_NONE;
		p->next->oldest_ms = known ? ms : -1;
	}
	if (p->next == p->end)
		close_part(f, p);
	else if (p->next->offset - m->offset > SEEK_FROM)
		rd_kafka_seek(p->rkt, m->partition, p->next->offset, 0);
}

static void
take_error(struct fetch *f, struct part *p, rd_kafka_resp_err_t code)
{
	for (; p->next < p->end; p->next++) {
		p->next->markers = code == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		p->next->refused = !p->next->markers;
	}
	close_part(f, p);
}

static int
by_partition(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int c = strcmp(x->topic, y->topic);

	return c ? c : (x->id > y->id) - (x->id < y->id);
}

static void
take(struct fetch *f, const rd_kafka_message_t *m)
{
	struct part want = { 0 }, *p;

	if (!m->rkt)
		return;
	want.topic = rd_kafka_topic_name(m->rkt);
	want.id = m->partition;
	p = bsearch(&want, f->parts, (size_t)f->n, sizeof(want), by_partition);
	if (!p || p->next == p->end)
		return;
	if (!m->err)
		take_record(f, p, m);
	/* Behind a seek the end of what was read before may still be told. */
	else if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF ||
	    m->offset > p->next->offset)
		take_error(f, p, m->err);
}

static rd_kafka_topic_t *
open_topic(struct fetch *f, const struct lag_topic *t)
{
	rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
	char why[128];

	rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", why,
		sizeof(why));
	return rd_kafka_topic_new(f->rk, t->name, conf);
}

/* A part for every partition that has places; topics are opened once. */
static void
start(struct fetch *f, struct lag_places *l)
{
	rd_kafka_topic_t *rkt = NULL;
	struct lag_topic *topic = NULL;

	f->parts = xcalloc((size_t)l->n, sizeof(*f->parts));
	for (int i = 0, run; i < l->n; i += run) {
		struct lag_place *first = &l->items[i];
		struct part *p = &f->parts[f->n++];

		run = lag_places_run(l, i);
		*p = (struct part){ .next = first, .end = first + run,
			.topic = first->topic->name, .id = first->id };
		if (first->topic != topic) {
			topic = first->topic;
			rkt = open_topic(f, topic);
		}
		p->rkt = rkt;
		p->started = rkt && !rd_kafka_consume_start_queue(rkt, first->id,
			first->offset, f->queue);
		f->open += p->started;
	}
}

static void
stop(struct fetch *f)
{
	rd_kafka_topic_t *last = NULL;

	for (int i = 0; i < f->n; i++)
		if (f->parts[i].started)
			rd_kafka_consume_stop(f->parts[i].rkt, f->parts[i].id);
	resume_all(f);
	for (int i = 0; i < f->n; i++) {
		rd_kafka_topic_t *rkt = f->parts[i].rkt;

		if (!rkt || rkt == last)
			continue;
		last = rkt;
		rd_kafka_topic_destroy(rkt);
	}
	free(f->parts);
	rd_kafka_queue_destroy(f->queue);
}

/*
 * librdkafka 2.0.2 looks whether a partition is to be fetched only when its
 * broker's thread wakes, which by itself it does once a second. Any request to
 * the broker wakes it.
 */
static void
wake_brokers(struct fetch *f, int timeout_ms)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(8);
	int32_t last = -1;

	for (int i = 0; i < f->n; i++) {
		const struct part *p = &f->parts[i];
		int32_t leader;

		if (p->next == p->end)
			continue;
		leader = p->next->topic->logs[p->next->id].leader;
		if (leader != last)
			rd_kafka_topic_partition_list_add(l, p->next->topic->name,
				p->next->id)->offset = RD_KAFKA_OFFSET_END;
		last = leader;
		if (l->cnt == 8)
			break;
	}
	rd_kafka_offsets_for_times(f->rk, l, timeout_ms);
	rd_kafka_topic_partition_list_destroy(l);
}

void
lag_age_read(rd_kafka_t *rk, struct lag_places *l, int64_t deadline_ms)
{
	const struct clock *clock = clock_system();
	struct fetch f = { .rk = rk, .queue = rd_kafka_queue_new(rk) };
	rd_kafka_message_t *batch[BATCH];
	int kicks = 0;

	start(&f, l);
	while (f.open > 0 && !sig_caught() && clock_mono_ms(clock) < deadline_ms) {
		int before = f.open;
		/* waits until the batch is full or the time is over */
		ssize_t n = rd_kafka_consume_batch_queue(f.queue, 2, batch, BATCH);

		for (ssize_t i = 0; i < n; i++) {
			take(&f, batch[i]);
			rd_kafka_message_destroy(batch[i]);
		}
		if (f.open == before && kicks++ < KICKS)
			wake_brokers(&f, 100);
	}
	stop(&f);
}
