#include "kafka/admin.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/log_offsets.h"
#include "kafka/request.h"

int
admin_check_name(struct slice topic, struct err *e)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *p = topic.data;
	size_t i;

	for (i = 0; i < topic.len && p[i] && strchr(legal, p[i]); i++)
		;
	if (topic.len && topic.len <= 249 && i == topic.len &&
	    !slice_eq_str(topic, ".") && !slice_eq_str(topic, ".."))
		return 0;
	return err_set(e, ERR_USAGE, "illegal topic name '%.*s' (1 to 249 of "
		"letters, digits, '.', '_', '-'; not '.' or '..')",
		topic.len > 300 ? 300 : (int)topic.len, p ? p : "");
}

bool
admin_is_internal(const char *topic)
{
	return topic[0] == '_' && topic[1] == '_';
}

/* ---- topics ---- */

static int32_t *
copy_ids(const int32_t *ids, int n)
{
	return xmemdup(ids, (size_t)n * sizeof(*ids));
}

static int
by_id(const void *a, const void *b)
{
	const struct admin_partition *p = a, *q = b;

	return (p->id > q->id) - (p->id < q->id);
}

static int
by_name(const void *a, const void *b)
{
	const struct admin_topic *p = a, *q = b;

	return strcmp(p->name, q->name);
}

static void
copy_topic(struct admin_topic *t, const rd_kafka_metadata_topic_t *md)
{
	t->name = xstrdup(md->topic);
	t->partitions_n = md->partition_cnt;
	t->partitions = xcalloc((size_t)md->partition_cnt, sizeof(*t->partitions));
	for (int i = 0; i < md->partition_cnt; i++) {
		const rd_kafka_metadata_partition_t *p = &md->partitions[i];

		t->partitions[i] = (struct admin_partition){
			.id = p->id, .leader = p->leader,
			.replicas = copy_ids(p->replicas, p->replica_cnt),
			.isr = copy_ids(p->isrs, p->isr_cnt),
			.replicas_n = p->replica_cnt, .isr_n = p->isr_cnt,
			.start = -1, .end = -1
		};
	}
	qsort(t->partitions, (size_t)t->partitions_n, sizeof(*t->partitions), by_id);
}

int
admin_topics(struct client *c, int timeout_ms, struct admin_topics *out,
	struct err *e)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code;

	code = rd_kafka_metadata(client_handle(c), 1, NULL, &md, timeout_ms);
	if (code)
		return client_error(c, code, NULL, e);
	*out = (struct admin_topics){ 0 };
	out->items = xcalloc((size_t)md->topic_cnt, sizeof(*out->items));
	for (int i = 0; i < md->topic_cnt; i++)
		copy_topic(&out->items[out->n++], &md->topics[i]);
	qsort(out->items, (size_t)out->n, sizeof(*out->items), by_name);
	out->brokers_n = md->broker_cnt;
	out->brokers = xcalloc((size_t)md->broker_cnt, sizeof(*out->brokers));
	for (int i = 0; i < md->broker_cnt; i++)
		out->brokers[i] = md->brokers[i].id;
	rd_kafka_metadata_destroy(md);
	return 0;
}

void
admin_topics_release(struct admin_topics *t)
{
	for (int i = 0; i < t->n; i++) {
		for (int j = 0; j < t->items[i].partitions_n; j++) {
			free(t->items[i].partitions[j].replicas);
			free(t->items[i].partitions[j].isr);
		}
		free(t->items[i].partitions);
		free(t->items[i].name);
	}
	free(t->items);
	free(t->brokers);
	*t = (struct admin_topics){ 0 };
}

struct admin_topic *
admin_topics_find(const struct admin_topics *t, const char *name)
{
	struct admin_topic want = { .name = (char *)(uintptr_t)name };

	return t->n ? bsearch(&want, t->items, (size_t)t->n, sizeof(want), by_name)
		: NULL;
}

/* ---- offsets ---- */

/* Between two looks for leaders. */
enum { AGAIN_MS = 50 };

/* Of the partitions that are led, as far as is known. */
static int
ask_offsets(struct client *c, int timeout_ms, struct admin_topic *t,
	int64_t which, struct err *e)
{
	struct log_place *places = xcalloc((size_t)t->partitions_n,
		sizeof(*places));
	int n = 0, result;

	for (int i = 0; i < t->partitions_n; i++)
		if (t->partitions[i].leader >= 0)
			places[n++] = (struct log_place){ .topic = t->name,
				.partition = t->partitions[i].id };
	result = log_offsets(c, places, n, which, timeout_ms, e);
	for (int i = 0, k = 0; i < t->partitions_n && !result; i++) {
		struct admin_partition *p = &t->partitions[i];
		int64_t offset = p->leader >= 0 ? places[k++].offset : -1;

		*(which == LOG_END ? &p->end : &p->start) = offset;
	}
	free(places);
	return result;
}

int
admin_offsets_now(struct client *c, int timeout_ms, struct admin_topic *t,
	struct err *e)
{
	return ask_offsets(c, timeout_ms, t, LOG_START, e) ||
		ask_offsets(c, timeout_ms, t, LOG_END, e) ?
		err_wrap(e, "topic '%s'", t->name) : 0;
}

/* Who had no leader may have one by now. */
static int
refresh_leaders(struct client *c, int timeout_ms, struct admin_topic *t,
	struct err *e)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(client_handle(c), t->name, NULL);
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client_handle(c), 0, rkt,
		&md, timeout_ms);
	const rd_kafka_metadata_topic_t *now;

	rd_kafka_topic_destroy(rkt);
	if (code)
		return client_error(c, code, NULL, e);
	now = md->topic_cnt == 1 ? &md->topics[0] : NULL;
	for (int i = 0; now && i < now->partition_cnt; i++)
		for (int k = 0; k < t->partitions_n; k++)
			if (t->partitions[k].id == now->partitions[i].id)
				t->partitions[k].leader = now->partitions[i].leader;
	rd_kafka_metadata_destroy(md);
	return 0;
}

static const struct admin_partition *
without_offsets(const struct admin_topic *t)
{
	for (int i = 0; i < t->partitions_n; i++)
		if (t->partitions[i].start < 0 || t->partitions[i].end < 0)
			return &t->partitions[i];
	return NULL;
}

int
admin_offsets(struct client *c, int timeout_ms, struct admin_topic *t,
	struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout_ms;
	const struct admin_partition *p;

	for (;;) {
		if (admin_offsets_now(c, timeout_ms, t, e))
			return -1;
		p = without_offsets(t);
		if (!p)
			return 0;
		if (sig_caught() || clock_mono_ms(clock) >= end)
			return err_set(e, ERR_TEMPORARY, "'%s' [%" PRId32 "] has "
				"no leader (run it again later)", t->name, p->id);
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, AGAIN_MS);
		if (refresh_leaders(c, timeout_ms, t, e))
			return -1;
	}
}

static void
read_uncommitted(rd_kafka_conf_t *k, void *user)
{
	(void)user;
	rd_kafka_conf_set(k, "isolation.level", "read_uncommitted", NULL, 0);
}

int
admin_high(const struct conf *conf, int timeout_ms, struct admin_topic *t,
	struct err *e)
{
	struct client *c = NULL;
	int result;

	result = client_open_with(&c, conf, CLIENT_ADMIN, NULL, read_uncommitted,
		NULL, e) || client_wait(c, timeout_ms, e) ||
		admin_offsets(c, timeout_ms, t, e) ? -1 : 0;
	client_close(c);
	return result;
}

int
admin_count_partitions(struct client *c, const char *topic, int timeout_ms,
	int *out, struct err *e)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(client_handle(c), topic, NULL);
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t code;

	*out = 0;
	code = rd_kafka_metadata(client_handle(c), 0, rkt, &md, timeout_ms);
	rd_kafka_topic_destroy(rkt);
	if (code)
		return client_error(c, code, NULL, e);
	if (md->topic_cnt == 1)
		*out = md->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(md);
	return 0;
}

/* ---- delete, add partitions ---- */

int
admin_delete(struct client *c, const char *topic, const struct admin_options *o,
	struct err *e)
{
	rd_kafka_DeleteTopic_t *del;
	const rd_kafka_topic_result_t **results;
	struct request r;
	size_t got;
	int ret = -1;

	if (o->dry_run)
		return 0;
	del = rd_kafka_DeleteTopic_new(topic);
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_DELETETOPICS, o, e)) {
		rd_kafka_DeleteTopics(client_handle(c), &del, 1, r.options, r.queue);
		if (!request_wait(&r, e)) {
			results = rd_kafka_DeleteTopics_result_topics(
				rd_kafka_event_DeleteTopics_result(r.event), &got);
			ret = request_topic_result(&r, results, got, e);
		}
	}
	request_release(&r);
	rd_kafka_DeleteTopic_destroy(del);
	return ret;
}

static int
only_compacted(struct err *e)
{
	return err_set(e, ERR_FAILED, "its records cannot be deleted: it is only "
		"compacted (cleanup.policy=compact,delete allows it, and deletes "
		"by age, too)");
}

int
admin_check_deletes(struct client *c, const char *topic, int timeout_ms,
	struct err *e)
{
	struct admin_configs k = { 0 };
	const struct admin_config *policy;
	bool deletes;

	if (admin_configs(c, ADMIN_TOPIC, topic, timeout_ms, &k, e)) {
		if (e->code != ERR_REFUSED)
			return -1;
		*e = (struct err)ERR_INIT;
		return 0;
	}
	policy = admin_configs_find(&k, "cleanup.policy");
	deletes = !policy || !policy->value || strstr(policy->value, "delete");
	admin_configs_release(&k);
	return deletes ? 0 : only_compacted(e);
}

/* Each partition's own answer. */
static int
deleted(struct client *c, const rd_kafka_topic_partition_list_t *l, struct err *e)
{
	for (int i = 0; i < l->cnt; i++)
		if (l->elems[i].err == RD_KAFKA_RESP_ERR_POLICY_VIOLATION) {
			return only_compacted(e);
		} else if (l->elems[i].err) {
			client_error(c, l->elems[i].err, NULL, e);
			return err_wrap(e, "[%d]", (int)l->elems[i].partition);
		}
	return 0;
}

int
admin_delete_records(struct client *c, const struct admin_topic *t,
	const int64_t *before, int timeout_ms, struct err *e)
{
	const struct admin_options o = { .timeout_ms = timeout_ms };
	rd_kafka_topic_partition_list_t *l =
		rd_kafka_topic_partition_list_new(t->partitions_n);
	rd_kafka_DeleteRecords_t *del;
	struct request r;
	int ret = -1;

	for (int i = 0; i < t->partitions_n; i++)
		rd_kafka_topic_partition_list_add(l, t->name,
			t->partitions[i].id)->offset = before[i];
	del = rd_kafka_DeleteRecords_new(l);
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_DELETERECORDS, &o, e)) {
		rd_kafka_DeleteRecords(client_handle(c), &del, 1, r.options,
			r.queue);
		if (!request_wait(&r, e))
			ret = deleted(c, rd_kafka_DeleteRecords_result_offsets(
				rd_kafka_event_DeleteRecords_result(r.event)), e);
	}
	request_release(&r);
	rd_kafka_DeleteRecords_destroy(del);
	rd_kafka_topic_partition_list_destroy(l);
	return ret;
}

int
admin_add_partitions(struct client *c, const char *topic, int total,
	const struct admin_options *o, struct err *e)
{
	rd_kafka_NewPartitions_t *new;
	const rd_kafka_topic_result_t **results;
	struct request r;
	char why[512];
	size_t got;
	int ret = -1;

	new = rd_kafka_NewPartitions_new(topic, (size_t)total, why, sizeof(why));
	if (!new)
		return err_set(e, ERR_USAGE, "%s", why);
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, o, e)) {
		rd_kafka_CreatePartitions(client_handle(c), &new, 1, r.options,
			r.queue);
		if (!request_wait(&r, e)) {
			results = rd_kafka_CreatePartitions_result_topics(
				rd_kafka_event_CreatePartitions_result(r.event),
				&got);
			ret = request_topic_result(&r, results, got, e);
		}
	}
	request_release(&r);
	rd_kafka_NewPartitions_destroy(new);
	return ret;
}
