/* produce_topic.c - what a producer knows of its topics: limits, partitions. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/producer.h"

enum { GROW_MAX = 1000 };

static int
wait_ms(const struct producer *p)
{
	return p->o.timeout_ms < 0 ? 30000 : p->o.timeout_ms;
}

static int
no_topic(const struct topic *t, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
		"(make it: kc-topics create %s)", t->name, t->name);
}

/* How many partitions there are; 0 = the broker knows no such topic (yet). */
static int
count_partitions(struct producer *p, struct topic *t, struct err *e)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code;

	code = rd_kafka_metadata(client_handle(p->client), 0, t->rkt, &md, wait_ms(p));
	if (code)
		return client_error(p->client, code, NULL, e);
	if (!t->made)
		t->partitions = 0;
	if (md->topic_cnt == 1) {
		code = md->topics[0].err;
		/* one that we grow does not shrink: a node may not know yet */
		if (!t->made || md->topics[0].partition_cnt > t->partitions)
			t->partitions = md->topics[0].partition_cnt;
	}
	rd_kafka_metadata_destroy(md);
	t->refreshed_ms = clock_mono_ms(clock_system());
	if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	    code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
		return client_error(p->client, code, NULL, e);
	return 0;
}

int
producer_count_partitions(struct producer *p, const char *name, int32_t *out,
	struct err *e)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code;

	/* Asking for one topic by name would create it. */
	code = rd_kafka_metadata(client_handle(p->client), 1, NULL, &md, wait_ms(p));
	if (code)
		return client_error(p->client, code, NULL, e);
	*out = 0;
	for (int i = 0; i < md->topic_cnt; i++)
		if (!strcmp(md->topics[i].topic, name))
			*out = md->topics[i].partition_cnt;
	rd_kafka_metadata_destroy(md);
	return 0;
}

/* 1 yes, 0 no, -1 the broker does not tell. */
static int
auto_creates(struct producer *p)
{
	const struct rd_kafka_metadata *md;
	const struct admin_config *c;
	struct admin_configs k = { 0 };
	struct err ignored;
	char id[16];
	int ret = -1;

	if (rd_kafka_metadata(client_handle(p->client), 0, NULL, &md, wait_ms(p)))
		return -1;
	if (md->broker_cnt) {
		snprintf(id, sizeof(id), "%" PRId32, md->brokers[0].id);
		if (!admin_configs(p->client, ADMIN_BROKER, id, wait_ms(p), &k,
		    &ignored)) {
			c = admin_configs_find(&k, "auto.create.topics.enable");
			if (c && c->value)
				ret = !strcmp(c->value, "true");
		}
	}
	admin_configs_release(&k);
	rd_kafka_metadata_destroy(md);
	return ret;
}

/* Asking for a topic makes the broker create it: asks until it is there. */
static int
await_creation(struct producer *p, struct topic *t, struct err *e)
{
	const struct clock *clock = clock_system();
	int creates = auto_creates(p);
	int64_t end = clock_mono_ms(clock) + (creates > 0 ? wait_ms(p) : 3000);

	while (creates) {
		if (count_partitions(p, t, e))
			return -1;
		if (t->partitions)
			return 0;
		if (sig_caught() || clock_mono_ms(clock) >= end)
			break;
		poll(&(struct pollfd){ .fd = sig_fd(), .events = POLLIN }, 1, 20);
	}
	return no_topic(t, e);
}

/*
 * Reads the limits. DescribeConfigs, unlike Metadata, creates nothing. Who may
 * not see configs has the broker check alone.
 */
static int
read_limits(struct producer *p, struct topic *t, bool *missing, struct err *e)
{
	struct admin_configs k = { 0 };
	struct err why = ERR_INIT;

	*missing = false;
	limits_init(&t->limits);
	t->limits.now_option = p->o.now_option;
	if (!admin_configs(p->client, ADMIN_TOPIC, t->name, wait_ms(p), &k, &why)) {
		limits_from_configs(&t->limits, &k);
		t->limits.now_option = p->o.now_option;
		admin_configs_release(&k);
		return 0;
	}
	*missing = why.code == ERR_NOT_FOUND;
	if (why.code != ERR_TEMPORARY)
		return 0;
	*e = why;
	return -1;
}

static int
open_topic(struct producer *p, struct topic *t, struct err *e)
{
	bool missing;

	if (read_limits(p, t, &missing, e))
		return -1;
	/* librdkafka asks for what it has a handle of, and so creates it */
	if (missing && p->o.dry_run)
		return no_topic(t, e);
	t->rkt = rd_kafka_topic_new(client_handle(p->client), t->name, NULL);
	if (!t->rkt)
		return client_error(p->client, rd_kafka_last_error(), NULL, e);
	t->made = missing;
	if (missing && (await_creation(p, t, e) ||
	    read_limits(p, t, &missing, e)))
		return -1;
	if (!t->partitions && count_partitions(p, t, e))
		return -1;
	if (!t->partitions)
		return no_topic(t, e);
	p->totals.topics++;
	if (t->limits.batch_bytes < p->batch_bytes)
		return producer_reopen(p, t->limits.batch_bytes, e);
	return 0;
}

struct topic *
producer_topic_get(struct producer *p, struct slice name, struct err *e)
{
	struct topic *t = p->latest;

	if (t && slice_eq_str(name, t->name))
		return t;
	t = map_get(&p->topics, name);
	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->name = xmemdup0(name.data, name.len);
		map_put(&p->topics, slice_make(t->name, name.len), t);
		if (admin_check_name(name, &t->bad))
			t->bad.code = ERR_FORMAT; /* of a line, not of an option */
		else
			open_topic(p, t, &t->bad);
	}
	if (t->bad.code == ERR_TEMPORARY) {
		*e = t->bad;
		return NULL;
	}
	p->latest = t;
	return t;
}

int
producer_topic(struct producer *p, struct slice name, struct err *e)
{
	struct topic *t;

	if (admin_check_name(name, e))
		return -1;
	t = producer_topic_get(p, name, e);
	if (!t)
		return -1;
	if (t->bad.code) {
		*e = t->bad;
		return -1;
	}
	return 0;
}

int64_t
producer_record_max(struct producer *p, struct slice topic)
{
	/* What a batch, a record and its headers' lengths take beside that. */
	enum { AROUND = 512 };
	struct err ignored = ERR_INIT;
	const struct topic *t = producer_topic_get(p, topic, &ignored);

	if (!t || t->bad.code || t->limits.batch_bytes >= INT32_MAX)
		return 0;
	return t->limits.batch_bytes > AROUND ? t->limits.batch_bytes - AROUND : 1;
}

/* Asks until the topic shows so many partitions: a cluster spreads the news. */
static void
await_partitions(struct producer *p, struct topic *t, int32_t wanted)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + wait_ms(p);
	struct err e;

	while (!count_partitions(p, t, &e) && t->partitions < wanted &&
	    !sig_caught() && clock_mono_ms(clock) < end)
		poll(&(struct pollfd){ .fd = sig_fd(), .events = POLLIN }, 1, 20);
}

/* Partitions of a topic that is made by copying into it, up to a sane number. */
static void
grow(struct producer *p, struct topic *t, int32_t partition)
{
	const struct admin_options o = { .timeout_ms = wait_ms(p) };
	struct err e = ERR_INIT;

	if (partition >= GROW_MAX)
		return;
	if (admin_add_partitions(p->client, t->name, partition + 1, &o, &e))
		diag_warn("topic '%s' gets no partition %" PRId32 ": %s",
			t->name, partition, e.msg);
	else
		await_partitions(p, t, partition + 1);
}

bool
producer_topic_has(struct producer *p, struct topic *t, int32_t partition)
{
	struct err ignored;

	if (partition < t->partitions)
		return true;
	if (clock_mono_ms(clock_system()) - t->refreshed_ms >= 1000)
		count_partitions(p, t, &ignored);
	if (partition >= t->partitions && t->made)
		grow(p, t, partition);
	return partition < t->partitions;
}

void
producer_topics_release(struct producer *p)
{
	struct topic *t;

	for (size_t i = 0; (t = map_next(&p->topics, &i)); ) {
		if (t->rkt)
			rd_kafka_topic_destroy(t->rkt);
		free(t->name);
		free(t);
	}
	map_release(&p->topics);
}
