#include "kafka/group_offsets.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/request.h"

typedef rd_kafka_topic_partition_list_t parts_list;
typedef rd_kafka_topic_partition_t parts_item;

/* ---- the list --------------------------------------------------------------- */

static int
compare(const struct group_offset *o, const char *topic, int32_t partition)
{
	int way = strcmp(o->topic, topic);

	return way ? way : (o->partition > partition) - (o->partition < partition);
}

/* The first item that is not before it. */
static int
place(const struct group_offsets *l, const char *topic, int32_t partition)
{
	int low = 0, high = l->n;

	/* lists mostly come in order */
	if (l->n && compare(&l->items[l->n - 1], topic, partition) < 0)
		return l->n;
	while (low < high) {
		int mid = low + (high - low) / 2;

		if (compare(&l->items[mid], topic, partition) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
release_item(struct group_offset *o)
{
	free(o->topic);
	free(o->metadata);
	free(o->why);
}

void
group_offsets_add(struct group_offsets *l, struct slice topic,
	int32_t partition, int64_t offset, const char *metadata)
{
	struct group_offset new = { .topic = xmemdup0(topic.data, topic.len),
		.partition = partition, .offset = offset,
		.metadata = metadata ? xstrdup(metadata) : NULL };
	int i = place(l, new.topic, partition);

	if (i < l->n && !compare(&l->items[i], new.topic, partition)) {
		release_item(&l->items[i]);
		l->items[i] = new;
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->items = xreallocarray(l->items, (size_t)l->cap,
			sizeof(*l->items));
	}
	memmove(&l->items[i + 1], &l->items[i],
		(size_t)(l->n - i) * sizeof(*l->items));
	l->items[i] = new;
	l->n++;
}

struct group_offset *
group_offsets_find(const struct group_offsets *l, const char *topic,
	int32_t partition)
{
	int i = place(l, topic, partition);

	return i < l->n && !compare(&l->items[i], topic, partition) ?
		&l->items[i] : NULL;
}

void
group_offsets_release(struct group_offsets *l)
{
	for (int i = 0; i < l->n; i++)
		release_item(&l->items[i]);
	free(l->items);
	*l = (struct group_offsets){ 0 };
}

/* ---- what the broker said --------------------------------------------------- */

/* KIP-848, behind librdkafka 2.0.2's list. */
enum { STALE_MEMBER_EPOCH = 113 };

/* The codes that mean, to one who is no member, that there are members. */
static int
offsets_error(struct client *c, rd_kafka_resp_err_t code, const char *detail,
	struct err *e)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
	case STALE_MEMBER_EPOCH:
		return err_set(e, ERR_REFUSED, "the group has members "
			"(stop them first; kc-lag members GROUP names them)");
	case RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC:
		return err_set(e, ERR_REFUSED, "a member subscribes to the topic "
			"(stop it first; kc-lag members GROUP names them)");
	default:
		return client_error(c, code, detail, e);
	}
}

static void
note(struct client *c, struct group_offset *o, rd_kafka_resp_err_t code)
{
	struct err why = ERR_INIT;

	if (!code || !o)
		return;
	offsets_error(c, code, NULL, &why);
	free(o->why);
	o->why = xmemdup(&why, sizeof(why));
}

/* The failures of all partitions as one. */
static int
tell(const struct group_offsets *l, struct err *e)
{
	const struct group_offset *first = NULL;
	int failed = 0;
	bool alike = true;

	for (int i = 0; i < l->n; i++) {
		const struct group_offset *o = &l->items[i];

		if (!o->why)
			continue;
		failed++;
		if (!first)
			first = o;
		alike &= !strcmp(o->why->msg, first->why->msg);
	}
	if (!failed)
		return 0;
	*e = *first->why;
	if (failed == l->n && alike)
		return -1;
	e->code = ERR_PARTIAL;
	return err_wrap(e, "%d of %d partitions failed, the first '%s' [%d]",
		failed, l->n, first->topic, (int)first->partition);
}

/* The one group of an answer, or NULL and e. */
static const rd_kafka_group_result_t *
the_group(struct request *r, const rd_kafka_group_result_t **groups, size_t n,
	struct err *e)
{
	const rd_kafka_error_t *error;

	if (n != 1) {
		err_set(e, ERR_FAILED, "the broker answered for %zu groups, "
			"not for one", n);
		return NULL;
	}
	error = rd_kafka_group_result_error(groups[0]);
	if (error) {
		offsets_error(r->client, rd_kafka_error_code(error),
			rd_kafka_error_string(error), e);
		return NULL;
	}
	return groups[0];
}

/* ---- read ------------------------------------------------------------------- */

static void
take(struct client *c, const parts_list *list, struct group_offsets *out)
{
	for (int i = 0; i < list->cnt; i++) {
		const parts_item *p = &list->elems[i];
		/* not NUL-ended */
		char *metadata = p->metadata ?
			xmemdup0(p->metadata, p->metadata_size) : NULL;

		group_offsets_add(out, slice_str(p->topic), p->partition,
			p->offset < 0 ? -1 : p->offset,
			metadata && *metadata ? metadata : NULL);
		note(c, group_offsets_find(out, p->topic, p->partition), p->err);
		free(metadata);
	}
}

static int
ask(struct request *r, const char *group, struct group_offsets *out,
	struct err *e)
{
	rd_kafka_ListConsumerGroupOffsets_t *list =
		rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
	const rd_kafka_group_result_t *found = NULL;
	rd_kafka_error_t *error;
	size_t n;
	int ret = -1;

	error = rd_kafka_AdminOptions_set_require_stable_offsets(r->options, 1);
	if (error) {
		err_set(e, ERR_UNSUPPORTED, "%s", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
		goto out;
	}
	rd_kafka_ListConsumerGroupOffsets(client_handle(r->client), &list, 1,
		r->options, r->queue);
	if (!request_wait(r, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_ListConsumerGroupOffsets_result_groups(
			rd_kafka_event_ListConsumerGroupOffsets_result(r->event),
			&n);

		found = the_group(r, groups, n, e);
	}
	if (found) {
		take(r->client, rd_kafka_group_result_partitions(found), out);
		ret = 0;
	}
out:
	rd_kafka_ListConsumerGroupOffsets_destroy(list);
	return ret;
}

int
group_offsets_get(struct client *c, const char *group, int timeout_ms,
	struct group_offsets *out, struct err *e)
{
	const struct admin_options o = { timeout_ms, false };
	struct request r;
	int ret = -1;

	*out = (struct group_offsets){ 0 };
	if (!request_init(&r, c, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, &o, e))
		ret = ask(&r, group, out, e);
	request_release(&r);
	return ret ? -1 : tell(out, e);
}

/* ---- change ----------------------------------------------------------------- */

enum { CHUNK = 1000 };

/* One way to change offsets: sends, waits and finds the partitions' results. */
struct change {
	rd_kafka_admin_op_t op;
	const parts_list *(*run)(struct request *r, const char *group,
		const parts_list *parts, struct err *e);
};

static const parts_list *
run_set(struct request *r, const char *group, const parts_list *parts,
	struct err *e)
{
	rd_kafka_AlterConsumerGroupOffsets_t *alter =
		rd_kafka_AlterConsumerGroupOffsets_new(group, parts);
	const rd_kafka_group_result_t *found = NULL;
	size_t n;

	rd_kafka_AlterConsumerGroupOffsets(client_handle(r->client), &alter, 1,
		r->options, r->queue);
	if (!request_wait(r, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_AlterConsumerGroupOffsets_result_groups(
			rd_kafka_event_AlterConsumerGroupOffsets_result(r->event),
			&n);

		found = the_group(r, groups, n, e);
	}
	rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
	return found ? rd_kafka_group_result_partitions(found) : NULL;
}

static const parts_list *
run_delete(struct request *r, const char *group, const parts_list *parts,
	struct err *e)
{
	rd_kafka_DeleteConsumerGroupOffsets_t *del =
		rd_kafka_DeleteConsumerGroupOffsets_new(group, parts);
	const rd_kafka_group_result_t *found = NULL;
	size_t n;

	rd_kafka_DeleteConsumerGroupOffsets(client_handle(r->client), &del, 1,
		r->options, r->queue);
	if (!request_wait(r, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_DeleteConsumerGroupOffsets_result_groups(
			rd_kafka_event_DeleteConsumerGroupOffsets_result(r->event),
			&n);

		found = the_group(r, groups, n, e);
	}
	rd_kafka_DeleteConsumerGroupOffsets_destroy(del);
	return found ? rd_kafka_group_result_partitions(found) : NULL;
}

static parts_list *
chunk_list(const struct group_offset *items, int n)
{
	parts_list *list = rd_kafka_topic_partition_list_new(n);

	for (int i = 0; i < n; i++) {
		const struct group_offset *o = &items[i];
		parts_item *p = rd_kafka_topic_partition_list_add(list, o->topic,
			o->partition);

		p->offset = o->offset;
		if (o->metadata) {
			p->metadata = xstrdup(o->metadata);
			p->metadata_size = strlen(o->metadata);
		}
	}
	return list;
}

static int
change_chunk(struct client *c, const struct change *how, const char *group,
	struct group_offsets *l, int from, int timeout_ms, struct err *e)
{
	const struct admin_options o = { timeout_ms, false };
	int n = l->n - from < CHUNK ? l->n - from : CHUNK;
	parts_list *list = chunk_list(&l->items[from], n);
	const parts_list *results = NULL;
	struct request r;

	if (!request_init(&r, c, how->op, &o, e))
		results = how->run(&r, group, list, e);
	for (int i = 0; results && i < results->cnt; i++) {
		const parts_item *p = &results->elems[i];

		note(c, group_offsets_find(l, p->topic, p->partition), p->err);
	}
	request_release(&r);
	rd_kafka_topic_partition_list_destroy(list);
	return results ? 0 : -1;
}

/* The whole first chunk is: a group with members is not asked again. */
static bool
is_refused(const struct group_offsets *l)
{
	int n = l->n < CHUNK ? l->n : CHUNK;

	for (int i = 0; i < n; i++)
		if (!l->items[i].why || l->items[i].why->code != ERR_REFUSED)
			return false;
	return true;
}

static int
change(struct client *c, const struct change *how, const char *group,
	struct group_offsets *l, int timeout_ms, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout_ms;

	for (int i = 0; i < l->n; i++) {
		free(l->items[i].why);
		l->items[i].why = NULL;
	}
	for (int i = 0; i < l->n; i += CHUNK) {
		int64_t left = end - clock_mono_ms(clock);

		if (change_chunk(c, how, group, l, i, left < 1 ? 1 : (int)left, e))
			return i ? err_wrap(e, "after %d of %d partitions", i,
				l->n) : -1;
		if (!i && is_refused(l)) {
			*e = *l->items[0].why;
			return -1;
		}
	}
	return tell(l, e);
}

int
group_offsets_set(struct client *c, const char *group, struct group_offsets *l,
	int timeout_ms, struct err *e)
{
	static const struct change how = {
		RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, run_set };

	return change(c, &how, group, l, timeout_ms, e);
}

int
group_offsets_delete(struct client *c, const char *group,
	struct group_offsets *l, int timeout_ms, struct err *e)
{
	static const struct change how = {
		RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS, run_delete };

	return change(c, &how, group, l, timeout_ms, e);
}
