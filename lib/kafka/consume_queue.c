/*
 * consume_queue.c - what librdkafka fetches ahead: enough that the reader never
 * waits, and no more, for it is memory.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "kafka/consumer.h"

enum { AHEAD = 100000 };

void
consume_tune(rd_kafka_conf_t *k, const char *name, const char *was, const char *value)
{
	char now[32] = "";
	size_t size = sizeof(now);

	if (!rd_kafka_conf_get(k, name, now, &size) && !strcmp(now, was))
		rd_kafka_conf_set(k, name, value, NULL, 0);
}

static int64_t
int_property(rd_kafka_conf_t *k, const char *name)
{
	struct err ignored = ERR_INIT;
	char now[32] = "";
	size_t size = sizeof(now);
	int64_t v = 0;

	if (!rd_kafka_conf_get(k, name, now, &size))
		num_int(slice_str(now), 0, INT64_MAX, &v, &ignored);
	return v;
}

/*
 * When the prefetch queue is full, librdkafka sleeps for a second before it
 * fetches again. Newer ones can be told to sleep less; the older are woken up.
 */
void
consume_tune_queue(struct consume *c, rd_kafka_conf_t *k)
{
	char text[32];
	size_t size = sizeof(text);

	if (rd_kafka_conf_get(k, "fetch.queue.backoff.ms", text, &size))
		c->must_wake = true;
	else
		consume_tune(k, "fetch.queue.backoff.ms", "1000", "1");
	snprintf(text, sizeof(text), "%d", c->o->ahead ? c->o->ahead : AHEAD);
	consume_tune(k, "queued.min.messages", "100000", text);
	c->queue_records = int_property(k, "queued.min.messages");
	c->queue_bytes = int_property(k, "queued.max.messages.kbytes") * 1024;
}

/*
 * Any request makes the thread of a broker look what there is to fetch. What
 * it answers is of no interest, and not waited for.
 */
static void
wake_fetchers(struct consume *c)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(c->active);

	for (int i = 0; i < c->topics_n; i++) {
		const struct topic *t = c->topics[i];

		for (int p = 0; p < t->parts_n; p++)
			if (t->parts[p].active && !t->parts[p].done)
				rd_kafka_topic_partition_list_add(list,
					t->name.data, t->parts[p].id)->offset =
					RD_KAFKA_OFFSET_END;
	}
	if (list->cnt)
		rd_kafka_offsets_for_times(c->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

/*
 * The queue that was full is half empty: before it is empty there is more.
 * Nearly full counts: it may have been full between two looks, and then its
 * fetcher sleeps for a second that nobody knows of.
 */
void
consume_mind_queue(struct consume *c)
{
	int64_t n = (int64_t)rd_kafka_queue_length(c->queue);
	int64_t bytes = c->records ? n * (c->bytes / c->records) : 0;

	if (n >= c->queue_records / 4 * 3 || bytes >= c->queue_bytes / 4 * 3) {
		c->was_full = true;
	} else if (c->was_full && n < c->queue_records / 2 &&
		   bytes < c->queue_bytes / 2) {
		c->was_full = false;
		wake_fetchers(c);
	}
}
