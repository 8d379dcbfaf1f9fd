/* admin_create.c - topics are made, and waited for until they can be used. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/admin.h"
#include "kafka/request.h"

/* ---- make ---- */

static rd_kafka_NewTopic_t *
new_topic(const char *name, const struct admin_new *new, struct err *e)
{
	char why[512];
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(name, new->partitions,
		new->replicas, why, sizeof(why));

	if (!t)
		err_set(e, ERR_USAGE, "%s", why);
	for (int i = 0; t && i < new->configs_n; i++)
		rd_kafka_NewTopic_set_config(t, new->configs[i].name,
			new->configs[i].value);
	return t;
}

/* Answers come in the order of the request. */
static int
take_results(struct request *r, int n, struct err *why, struct err *e)
{
	const rd_kafka_topic_result_t **results;
	size_t got;

	results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(r->event), &got);
	if (got != (size_t)n)
		return err_set(e, ERR_FAILED, "the broker answered for %zu "
			"topics, not for %d", got, n);
	for (int i = 0; i < n; i++)
		if (rd_kafka_topic_result_error(results[i]))
			client_error(r->client,
				rd_kafka_topic_result_error(results[i]),
				rd_kafka_topic_result_error_string(results[i]),
				&why[i]);
	return 0;
}

void
admin_create_all(struct client *c, char *const *topics, int n,
	const struct admin_new *new, const struct admin_options *o,
	struct err *why)
{
	rd_kafka_NewTopic_t **list = xcalloc((size_t)n,
		sizeof(rd_kafka_NewTopic_t *));
	struct request r = { 0 };
	struct err e = ERR_INIT;
	int ret = 0;

	for (int i = 0; i < n && !ret; i++)
		if (!(list[i] = new_topic(topics[i], new, &e)))
			ret = -1;
	if (!ret && !(ret = request_init(&r, c, RD_KAFKA_ADMIN_OP_CREATETOPICS, o,
	    &e))) {
		rd_kafka_CreateTopics(client_handle(c), list, (size_t)n,
			r.options, r.queue);
		ret = request_wait(&r, &e) || take_results(&r, n, why, &e) ? -1 : 0;
	}
	for (int i = 0; i < n; i++) {
		if (ret)
			why[i] = e;
		if (list[i])
			rd_kafka_NewTopic_destroy(list[i]);
	}
	request_release(&r);
	free(list);
}

int
admin_create(struct client *c, const char *topic, int partitions, int replicas,
	const struct admin_change *configs, int n,
	const struct admin_options *o, struct err *e)
{
	const struct admin_new new = { partitions, replicas, configs, n };
	char *name = xstrdup(topic);

	*e = (struct err)ERR_INIT;
	admin_create_all(c, &name, 1, &new, o, e);
	free(name);
	return e->code ? -1 : 0;
}

/* ---- wait ---- */

/* Every partition has a leader. */
static bool
is_led(const rd_kafka_metadata_topic_t *t)
{
	if (t->err || !t->partition_cnt)
		return false;
	for (int i = 0; i < t->partition_cnt; i++)
		if (t->partitions[i].err || t->partitions[i].leader < 0)
			return false;
	return true;
}

/* Of the one topic, or of all. */
static rd_kafka_resp_err_t
ask_metadata(struct client *c, const char *topic, int timeout_ms,
	const struct rd_kafka_metadata **md)
{
	rd_kafka_topic_t *rkt = !topic ? NULL :
		rd_kafka_topic_new(client_handle(c), topic, NULL);
	rd_kafka_resp_err_t code = rd_kafka_metadata(client_handle(c), !topic, rkt,
		md, timeout_ms);

	if (rkt)
		rd_kafka_topic_destroy(rkt);
	return code;
}

/* Topics that are waited for; those that are ready leave. */
struct wait {
	int *left; /* indexes */
	int n;
	char *const *topics;
};

static const rd_kafka_metadata_topic_t *
find(const struct rd_kafka_metadata *md, const char *name)
{
	for (int i = 0; i < md->topic_cnt; i++)
		if (!strcmp(md->topics[i].topic, name))
			return &md->topics[i];
	return NULL;
}

/*
 * Leaders that the cluster has named may not know it yet: do all answer? What
 * they refuse to answer for other reasons is no matter.
 */
static bool
leaders_answer(struct client *c, const rd_kafka_topic_partition_list_t *asked,
	int timeout_ms)
{
	rd_kafka_topic_partition_list_t *l =
		rd_kafka_topic_partition_list_copy(asked);
	bool yes = !client_is_unled(rd_kafka_offsets_for_times(client_handle(c), l,
		timeout_ms));

	rd_kafka_topic_partition_list_destroy(l);
	return yes;
}

/* Those from *i on whose partitions are asked at once; moves *i behind them. */
static void
ask_some(struct client *c, struct wait *w, const struct rd_kafka_metadata *md,
	int timeout_ms, int *i, int *kept)
{
	/* librdkafka searches its lists from the front. */
	enum { AT_ONCE = 1000 };
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
	int *led = xcalloc((size_t)w->n, sizeof(*led)), led_n = 0;

	for (; *i < w->n && l->cnt < AT_ONCE; (*i)++) {
		const char *name = w->topics[w->left[*i]];
		const rd_kafka_metadata_topic_t *t = find(md, name);

		if (!t || !is_led(t)) {
			w->left[(*kept)++] = w->left[*i];
			continue;
		}
		led[led_n++] = w->left[*i];
		for (int k = 0; k < t->partition_cnt; k++)
			rd_kafka_topic_partition_list_add(l, name,
				t->partitions[k].id)->offset = RD_KAFKA_OFFSET_END;
	}
	if (led_n && !leaders_answer(c, l, timeout_ms))
		for (int k = 0; k < led_n; k++)
			w->left[(*kept)++] = led[k];
	rd_kafka_topic_partition_list_destroy(l);
	free(led);
}

static rd_kafka_resp_err_t
look(struct client *c, struct wait *w, int timeout_ms)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code = ask_metadata(c, w->n == 1 ?
		w->topics[w->left[0]] : NULL, timeout_ms, &md);
	int kept = 0;

	if (code)
		return code;
	for (int i = 0; i < w->n; )
		ask_some(c, w, md, timeout_ms, &i, &kept);
	w->n = kept;
	rd_kafka_metadata_destroy(md);
	return 0;
}

void
admin_await_all(struct client *c, char *const *topics, int n, int timeout_ms,
	struct err *why)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout_ms;
	struct wait w = { xcalloc((size_t)n, sizeof(int)), 0, topics };
	rd_kafka_resp_err_t code = 0;
	int pause_ms = 5;

	for (int i = 0; i < n; i++)
		if (!why[i].code)
			w.left[w.n++] = i;
	while (w.n && !code && !sig_caught() && clock_mono_ms(clock) < end) {
		code = look(c, &w, timeout_ms);
		pause_ms = pause_ms < 100 ? pause_ms * 2 : pause_ms;
		if (!code && w.n)
			poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, pause_ms);
	}
	for (int i = 0; i < w.n; i++) {
		struct err *e = &why[w.left[i]];

		if (code)
			client_error(c, code, NULL, e);
		else
			err_set(e, ERR_TEMPORARY, "created, but its partitions "
				"have no leader yet (wait a moment)");
	}
	free(w.left);
}

int
admin_await(struct client *c, const char *topic, int timeout_ms, struct err *e)
{
	char *name = xstrdup(topic);

	*e = (struct err)ERR_INIT;
	admin_await_all(c, &name, 1, timeout_ms, e);
	free(name);
	return e->code ? -1 : 0;
}
