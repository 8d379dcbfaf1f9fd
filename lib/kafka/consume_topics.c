/*
 * consume_topics.c - which partitions there are: metadata of the topics that
 * were named, or whose names match.
 */
#include <poll.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "kafka/admin.h"
#include "kafka/consumer.h"

/* A topic that was made a moment ago may not have reached every broker. */
enum { SETTLE_MS = 300, SETTLE_STEP_MS = 30 };

struct topic *
consume_topic(struct consume *c, const char *name)
{
	struct topic *t = map_get(&c->by_name, slice_str(name));

	if (t)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->name = slice_make(xstrdup(name), strlen(name));
	c->topics = xreallocarray(c->topics, (size_t)c->topics_n + 1,
		sizeof(*c->topics));
	c->topics[c->topics_n++] = t;
	map_put(&c->by_name, t->name, t);
	return t;
}

struct part *
consume_part(struct topic *t, int32_t id)
{
	if (id >= t->parts_n) {
		t->parts = xreallocarray(t->parts, (size_t)id + 1,
			sizeof(*t->parts));
		for (; t->parts_n <= id; t->parts_n++)
			t->parts[t->parts_n] = (struct part){
				.id = t->parts_n, .next = -1, .committed = -1,
				.end = -1, .first = -1, .last = -1,
			};
	}
	return &t->parts[id];
}

static int
timeout(const struct consume *c)
{
	return c->o->timeout_ms < 0 ? 60000 : c->o->timeout_ms;
}

/* All topics, or the one of this name. returns owned, or NULL */
static const struct rd_kafka_metadata *
metadata(struct consume *c, const char *name, struct err *e)
{
	const struct rd_kafka_metadata *md = NULL;
	rd_kafka_topic_t *rkt = NULL;
	rd_kafka_resp_err_t code;

	if (name) {
		rkt = rd_kafka_topic_new(c->rk, name, NULL);
		if (!rkt) {
			client_error(c->client, rd_kafka_last_error(), NULL, e);
			err_wrap(e, "topic '%s'", name);
			return NULL;
		}
	}
	code = rd_kafka_metadata(c->rk, !name, rkt, &md, timeout(c));
	if (rkt)
		rd_kafka_topic_destroy(rkt);
	if (code) {
		client_error(c->client, code, NULL, e);
		return NULL;
	}
	return md;
}

static void
add_topic(struct consume *c, const struct rd_kafka_metadata_topic *mt)
{
	struct topic *t = consume_topic(c, mt->topic);

	if (mt->partition_cnt)
		consume_part(t, mt->partition_cnt - 1);
}

static int
no_such_topic(struct consume *c, const char *name, struct err *e)
{
	const struct rd_kafka_metadata *md = metadata(c, NULL, e);
	struct near near = near_init(slice_str(name));

	if (!md)
		return -1;
	for (int i = 0; i < md->topic_cnt; i++)
		near_offer(&near, md->topics[i].topic);
	if (near.name)
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
			"(did you mean '%s'?)", name, near.name);
	else
		err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
			"(kc-topics lists what is there)", name);
	rd_kafka_metadata_destroy(md);
	return -1;
}

static int
find_named(struct consume *c, const char *name, struct err *e)
{
	rd_kafka_resp_err_t code = 0;

	for (int waited = 0; waited <= SETTLE_MS; waited += SETTLE_STEP_MS) {
		const struct rd_kafka_metadata *md = metadata(c, name, e);

		if (!md)
			return err_wrap(e, "topic '%s'", name);
		code = md->topic_cnt == 1 ? md->topics[0].err :
			RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		if (!code)
			add_topic(c, &md->topics[0]);
		rd_kafka_metadata_destroy(md);
		if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
		    code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
			break;
		poll(NULL, 0, SETTLE_STEP_MS);
	}
	if (!code)
		return 0;
	if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		return no_such_topic(c, name, e);
	client_error(c->client, code, NULL, e);
	return err_wrap(e, "topic '%s'", name);
}

/* Kafka's own topics match only a pattern that asks for them. */
static bool
matches(const regex_t *re, const char *pattern, const char *name)
{
	return (!admin_is_internal(name) || !strncmp(pattern, "^_", 2)) &&
		!regexec(re, name, 0, NULL, 0);
}

static int
compile(regex_t *re, const char *pattern, struct err *e)
{
	int code = regcomp(re, pattern, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (!code)
		return 0;
	regerror(code, re, why, sizeof(why));
	return err_set(e, ERR_USAGE, "bad regular expression '%s': %s",
		pattern, why);
}

int
consume_check_names(const struct consume_options *o, struct err *e)
{
	regex_t re;

	for (int i = 0; i < o->topics_n; i++) {
		if (*o->topics[i] != '^') {
			if (admin_check_name(slice_str(o->topics[i]), e))
				return -1;
			continue;
		}
		if (compile(&re, o->topics[i], e))
			return -1;
		regfree(&re);
	}
	return 0;
}

static int
find_matching(struct consume *c, const char *pattern, struct err *e)
{
	const struct rd_kafka_metadata *md;
	int before = c->topics_n;
	regex_t re;

	if (compile(&re, pattern, e))
		return -1;
	md = metadata(c, NULL, e);
	for (int i = 0; md && i < md->topic_cnt; i++)
		if (matches(&re, pattern, md->topics[i].topic))
			add_topic(c, &md->topics[i]);
	regfree(&re);
	if (!md)
		return -1;
	rd_kafka_metadata_destroy(md);
	/* A group gets topics that match when they come. */
	if (c->topics_n == before && !c->o->group)
		return err_set(e, ERR_NOT_FOUND, "no topic matches '%s' "
			"(kc-topics lists what is there)", pattern);
	return 0;
}

static int
check_partitions(const struct consume *c, struct err *e)
{
	int32_t highest;

	for (int i = 0; i < c->o->spans_n; i++) {
		const struct consume_span *s = &c->o->spans[i];
		const struct topic *t = map_get(&c->by_name, slice_str(s->topic));

		if (!t || s->partition >= t->parts_n)
			return err_set(e, ERR_NOT_FOUND, "topic '%s' has no "
				"partition %d (it has %d, from 0)", s->topic,
				(int)s->partition, t ? t->parts_n : 0);
	}
	if (!c->o->partitions_n)
		return 0;
	highest = c->o->partitions[c->o->partitions_n - 1];
	for (int i = 0; i < c->topics_n; i++)
		if (highest >= c->topics[i]->parts_n)
			return err_set(e, ERR_NOT_FOUND, "topic '%s' has no "
				"partition %d (it has %d, from 0)",
				(const char *)c->topics[i]->name.data,
				(int)highest, c->topics[i]->parts_n);
	return 0;
}

int
consume_find_topics(struct consume *c, struct err *e)
{
	for (int i = 0; i < c->o->topics_n; i++) {
		const char *name = c->o->topics[i];

		if (*name == '^' ? find_matching(c, name, e) :
		    find_named(c, name, e))
			return -1;
	}
	return check_partitions(c, e);
}

rd_kafka_topic_partition_list_t *
consume_wanted(const struct consume *c)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(c->topics_n);

	for (int i = 0; i < c->o->spans_n; i++)
		rd_kafka_topic_partition_list_add(list, c->o->spans[i].topic,
			c->o->spans[i].partition)->offset = RD_KAFKA_OFFSET_INVALID;
	for (int i = 0; i < c->topics_n && !c->o->spans_n; i++) {
		const struct topic *t = c->topics[i];
		bool all = !c->o->partitions_n;
		int n = all ? t->parts_n : c->o->partitions_n;

		for (int k = 0; k < n; k++)
			rd_kafka_topic_partition_list_add(list, t->name.data,
				all ? k : c->o->partitions[k])->offset =
				RD_KAFKA_OFFSET_INVALID;
	}
	return list;
}
