#include "kafka/group_offsets.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
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

/* ---- trying again ------------------------------------------------------------ */

/* How long an operation may take, and how long until it is tried again. */
struct patience {
	int64_t end_ms;
	int step_ms;
};

static struct patience
patience_of(int timeout_ms)
{
	return (struct patience){ clock_mono_ms(clock_system()) + timeout_ms, 50 };
}

static int
left_ms(const struct patience *p)
{
	int64_t left = p->end_ms - clock_mono_ms(clock_system());

	return left < 1 ? 1 : (int)left;
}

/*
 * A coordinator that is loading, or moving, is there in a moment: librdkafka
 * 2.0.2 does not wait for it. False when e is another error, or it is too late.
 */
static bool
may_try_again(struct patience *p, bool moving, struct err *e)
{
	if (!moving || left_ms(p) <= p->step_ms)
		return false;
	poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, p->step_ms);
	p->step_ms = p->step_ms < 800 ? 2 * p->step_ms : p->step_ms;
	if (sig_caught())
		return false;
	*e = (struct err)ERR_INIT;
	return true;
}

static bool
is_moving(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
		code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
		code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
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

/* One question, and whether it is worth asking again. */
struct question {
	struct request r;
	bool moving; /* the coordinator was not there yet */
};

static int
await(struct question *q, struct err *e)
{
	int ret = request_wait(&q->r, e);

	q->moving = ret && q->r.event &&
		is_moving(rd_kafka_event_error(q->r.event));
	return ret;
}

/* The one group of an answer, or NULL and e. */
static const rd_kafka_group_result_t *
the_group(struct question *q, const rd_kafka_group_result_t **groups, size_t n,
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
		q->moving = is_moving(rd_kafka_error_code(error));
		offsets_error(q->r.client, rd_kafka_error_code(error),
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
ask(struct question *q, const char *group, struct group_offsets *out,
	struct err *e)
{
	rd_kafka_ListConsumerGroupOffsets_t *list =
		rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
	const rd_kafka_group_result_t *found = NULL;
	rd_kafka_error_t *error;
	size_t n;
	int ret = -1;

	error = rd_kafka_AdminOptions_set_require_stable_offsets(q->r.options, 1);
	if (error) {
		err_set(e, ERR_UNSUPPORTED, "%s", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
		goto out;
	}
	rd_kafka_ListConsumerGroupOffsets(client_handle(q->r.client), &list, 1,
		q->r.options, q->r.queue);
	if (!await(q, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_ListConsumerGroupOffsets_result_groups(
			rd_kafka_event_ListConsumerGroupOffsets_result(q->r.event),
			&n);

		found = the_group(q, groups, n, e);
	}
	if (found) {
		take(q->r.client, rd_kafka_group_result_partitions(found), out);
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
	struct patience patience = patience_of(timeout_ms);
	struct question q;
	int ret;

	*out = (struct group_offsets){ 0 };
	do {
		const struct admin_options o = { left_ms(&patience), false };

		q = (struct question){ .moving = false };
		ret = request_init(&q.r, c,
			RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, &o, e) ||
			ask(&q, group, out, e);
		request_release(&q.r);
	} while (ret && may_try_again(&patience, q.moving, e));
	return ret ? -1 : tell(out, e);
}

/* ---- change ----------------------------------------------------------------- */

enum { CHUNK = 1000 };

/* One way to change offsets: sends, waits and finds the partitions' results. */
struct change {
	rd_kafka_admin_op_t op;
	const parts_list *(*run)(struct question *q, const char *group,
		const parts_list *parts, struct err *e);
};

static const parts_list *
run_set(struct question *q, const char *group, const parts_list *parts,
	struct err *e)
{
	rd_kafka_AlterConsumerGroupOffsets_t *alter =
		rd_kafka_AlterConsumerGroupOffsets_new(group, parts);
	const rd_kafka_group_result_t *found = NULL;
	size_t n;

	rd_kafka_AlterConsumerGroupOffsets(client_handle(q->r.client), &alter, 1,
		q->r.options, q->r.queue);
	if (!await(q, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_AlterConsumerGroupOffsets_result_groups(
			rd_kafka_event_AlterConsumerGroupOffsets_result(q->r.event),
			&n);

		found = the_group(q, groups, n, e);
	}
	rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
	return found ? rd_kafka_group_result_partitions(found) : NULL;
}

static const parts_list *
run_delete(struct question *q, const char *group, const parts_list *parts,
	struct err *e)
{
	rd_kafka_DeleteConsumerGroupOffsets_t *del =
		rd_kafka_DeleteConsumerGroupOffsets_new(group, parts);
	const rd_kafka_group_result_t *found = NULL;
	size_t n;

	rd_kafka_DeleteConsumerGroupOffsets(client_handle(q->r.client), &del, 1,
		q->r.options, q->r.queue);
	if (!await(q, e)) {
		const rd_kafka_group_result_t **groups =
			rd_kafka_DeleteConsumerGroupOffsets_result_groups(
			rd_kafka_event_DeleteConsumerGroupOffsets_result(q->r.event),
			&n);

		found = the_group(q, groups, n, e);
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

/* The results into the list; true when the coordinator was not there yet. */
static bool
take_results(struct client *c, struct group_offsets *l, const parts_list *results)
{
	for (int i = 0; i < results->cnt; i++)
		if (is_moving(results->elems[i].err))
			return true;
	for (int i = 0; i < results->cnt; i++) {
		const parts_item *p = &results->elems[i];

		note(c, group_offsets_find(l, p->topic, p->partition), p->err);
	}
	return false;
}

static int
change_chunk(struct client *c, const struct change *how, const char *group,
	struct group_offsets *l, int from, struct patience *patience, struct err *e)
{
	int n = l->n - from < CHUNK ? l->n - from : CHUNK;
	parts_list *list = chunk_list(&l->items[from], n);
	const parts_list *results;
	struct question q;

	do {
		const struct admin_options o = { left_ms(patience), false };

		q = (struct question){ .moving = false };
		results = request_init(&q.r, c, how->op, &o, e) ? NULL :
			how->run(&q, group, list, e);
		if (results && take_results(c, l, results)) {
			q.moving = true;
			results = NULL;
			client_error(c, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
				NULL, e);
		}
		request_release(&q.r);
	} while (!results && may_try_again(patience, q.moving, e));
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
	struct patience patience = patience_of(timeout_ms);

	for (int i = 0; i < l->n; i++) {
		free(l->items[i].why);
		l->items[i].why = NULL;
	}
	for (int i = 0; i < l->n; i += CHUNK) {
		if (change_chunk(c, how, group, l, i, &patience, e))
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
