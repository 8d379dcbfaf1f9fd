/*
 * lag_policies.c - which topics are compacted: one DescribeConfigs of them
 * all, on its way while the ends are asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/lag_pass.h"
#include "kafka/request.h"

/* Their configurations are long: of more it would take longer than the rest. */
enum { TOPICS_MAX = 200, WAIT_MS = 1000 };

struct lag_policies {
	struct request request;
	rd_kafka_ConfigResource_t *topics[TOPICS_MAX];
	int n;
};

struct lag_policies *
lag_policies_ask(struct lag_pass *pass)
{
	int left = lag_share_ms(pass);
	struct admin_options o = { .timeout_ms = left < WAIT_MS ? left : WAIT_MS };
	struct lag_policies *p;
	struct err ignored = ERR_INIT;
	struct lag_topic *t;

	if (!left || !pass->s->topics.len || pass->s->topics.len > TOPICS_MAX)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	for (size_t i = 0; (t = map_next(&pass->s->topics, &i)); )
		if (!t->reason)
			p->topics[p->n++] = rd_kafka_ConfigResource_new(
				RD_KAFKA_RESOURCE_TOPIC, t->name);
	if (p->n && !request_init(&p->request, pass->client,
	    RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, &o, &ignored)) {
		rd_kafka_DescribeConfigs(pass->rk, p->topics, (size_t)p->n,
			p->request.options, p->request.queue);
		return p;
	}
	if (p->n) {
		request_release(&p->request);
		rd_kafka_ConfigResource_destroy_array(p->topics, (size_t)p->n);
	}
	free(p);
	return NULL;
}

static bool
is_compacted(const rd_kafka_ConfigResource_t *topic)
{
	const rd_kafka_ConfigEntry_t **entries;
	size_t n;

	entries = rd_kafka_ConfigResource_configs(topic, &n);
	for (size_t i = 0; i < n; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);

		if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]),
		    "cleanup.policy"))
			return value && strstr(value, "compact");
	}
	return false;
}

void
lag_policies_take(struct lag_pass *pass, struct lag_policies *p)
{
	const rd_kafka_ConfigResource_t **got;
	struct err ignored = ERR_INIT;
	struct lag_topic *t;
	size_t n;

	if (!p)
		return;
	if (!request_wait(&p->request, &ignored)) {
		got = rd_kafka_DescribeConfigs_result_resources(
			rd_kafka_event_DescribeConfigs_result(p->request.event),
			&n);
		for (size_t i = 0; i < n; i++) {
			t = lag_topic_find(pass->s, slice_str(
				rd_kafka_ConfigResource_name(got[i])));
			if (t)
				t->is_compacted = is_compacted(got[i]);
		}
	}
	request_release(&p->request);
	rd_kafka_ConfigResource_destroy_array(p->topics, (size_t)p->n);
	free(p);
}
