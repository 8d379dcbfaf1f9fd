/*
 * consume_group.c - a group's share: partitions come and go, and what was
 * written of them is committed before they go.
 */
#include "base/clock.h"
#include "cli/diag.h"
#include "kafka/consumer.h"
#include "kafka/group_offsets.h"

enum { HOLD_MS = 1000 }; /* without room for so long: the brokers are told */

/* The group moved on without us: what is not committed will be read again. */
static bool
is_overtaken(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
		code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
		code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
		code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

static int
commit_error(struct consume *c, rd_kafka_resp_err_t code, struct err *e)
{
	if (is_overtaken(code))
		return err_set(e, ERR_TEMPORARY, "group '%s': the last records "
			"are written but not committed, they will be read again "
			"(the group rebalanced meanwhile)", c->o->group);
	client_error(c->client, code, NULL, e);
	return err_wrap(e, "group '%s': cannot commit", c->o->group);
}

rd_kafka_consumer_group_metadata_t *
consume_membership(const struct consume *c)
{
	return rd_kafka_consumer_group_metadata(c->rk);
}

static rd_kafka_topic_partition_list_t *
uncommitted(const struct consume *c)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(c->active);

	for (int i = 0; i < c->topics_n; i++)
		for (int k = 0; k < c->topics[i]->parts_n; k++) {
			const struct part *p = &c->topics[i]->parts[k];

			if (p->active && p->next != p->committed)
				rd_kafka_topic_partition_list_add(list,
					c->topics[i]->name.data, k)->offset = p->next;
		}
	return list;
}

/* Commits the list, and takes note of it. */
static int
commit_list(struct consume *c, rd_kafka_topic_partition_list_t *list, struct err *e)
{
	rd_kafka_resp_err_t code = list->cnt ? rd_kafka_commit(c->rk, list, 0) : 0;

	for (int i = 0; i < list->cnt && !code; i++)
		code = list->elems[i].err;
	for (int i = 0; i < list->cnt && !code; i++)
		consume_mark_committed(c, list->elems[i].topic,
			list->elems[i].partition, list->elems[i].offset);
	return code ? commit_error(c, code, e) : 0;
}

int
consume_commit(struct consume *c, struct err *e)
{
	rd_kafka_topic_partition_list_t *list;
	int result;

	if (!c->o->group)
		return 0;
	list = uncommitted(c);
	result = commit_list(c, list, e);
	rd_kafka_topic_partition_list_destroy(list);
	return result;
}

int
consume_commit_at(struct consume *c, const struct group_offsets *offsets,
	struct err *e)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(offsets->n);
	int result;

	for (int i = 0; i < offsets->n; i++)
		rd_kafka_topic_partition_list_add(list, offsets->items[i].topic,
			offsets->items[i].partition)->offset =
			offsets->items[i].offset;
	result = commit_list(c, list, e);
	rd_kafka_topic_partition_list_destroy(list);
	return result;
}

int64_t
consume_committed(const struct consume *c, const char *topic, int32_t partition)
{
	const struct topic *t = map_get(&c->by_name, slice_str(topic));

	return t && partition < t->parts_n ? t->parts[partition].committed : -1;
}

void
consume_mark_committed(struct consume *c, const char *topic, int32_t partition,
	int64_t offset)
{
	consume_part(consume_topic(c, topic), partition)->committed = offset;
}

/* Those that are at their end stay paused. */
static void
hold(struct consume *c, bool hold)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	c->held = hold;
	if (rd_kafka_assignment(c->rk, &list) || !list)
		return;
	for (int i = list->cnt - 1; i >= 0; i--)
		if (consume_part(consume_topic(c, list->elems[i].topic),
		    list->elems[i].partition)->done)
			rd_kafka_topic_partition_list_del_by_idx(list, i);
	if (hold)
		rd_kafka_pause_partitions(c->rk, list);
	else
		rd_kafka_resume_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

bool
consume_hold_while(struct consume *c, bool full)
{
	int64_t now = clock_mono_ms(clock_system());

	if (!full) {
		if (c->held)
			hold(c, false);
		c->full_since_ms = 0;
	} else if (!c->full_since_ms) {
		c->full_since_ms = now;
	} else if (!c->held && now - c->full_since_ms >= HOLD_MS) {
		hold(c, true);
	}
	return c->held;
}

int64_t
consume_full_ms(const struct consume *c)
{
	return c->full_since_ms ?
		clock_mono_ms(clock_system()) - c->full_since_ms : 0;
}

static int
read_offsets(struct consume *c, const char *group,
	rd_kafka_topic_partition_list_t *list, struct err *e)
{
	int timeout = c->o->timeout_ms < 0 ? 60000 : c->o->timeout_ms;

	if (!client_committed(c->client, list, timeout, e))
		return 0;
	return err_wrap(e, "group '%s': cannot read its offsets", group);
}

/* Committed offsets into the list, then ours. */
static int
take_over(struct consume *c, rd_kafka_topic_partition_list_t *list,
	struct err *e)
{
	return read_offsets(c, c->o->group, list, e) ? -1 :
		consume_activate(c, list, e);
}

int
consume_from_group(struct consume *c, rd_kafka_topic_partition_list_t *list,
	struct err *e)
{
	return read_offsets(c, c->o->from_group, list, e);
}

/* librdkafka tells NULL while it leaves the group. */
static bool
is_cooperative(const struct consume *c)
{
	const char *protocol = rd_kafka_rebalance_protocol(c->rk);

	return protocol && !strcmp(protocol, "COOPERATIVE");
}

static void
assign(struct consume *c, rd_kafka_topic_partition_list_t *list)
{
	bool cooperative = is_cooperative(c);

	if (c->closing || c->failure.code || take_over(c, list, &c->failure)) {
		rd_kafka_assign(c->rk, NULL);
		return;
	}
	for (int i = 0; i < list->cnt; i++)
		diag_verbose(1, "group '%s': reads '%s' [%d] from %lld",
			c->o->group, list->elems[i].topic,
			(int)list->elems[i].partition,
			(long long)list->elems[i].offset);
	c->assigned = true;
	if (cooperative)
		rd_kafka_error_destroy(rd_kafka_incremental_assign(c->rk, list));
	else
		rd_kafka_assign(c->rk, list);
	if (c->held)
		hold(c, true);
}

/*
 * All records given out so far are in the caller's hands: this runs inside
 * consume_next(). If they can be written they are committed, else not.
 */
static void
revoke(struct consume *c, rd_kafka_topic_partition_list_t *list)
{
	bool cooperative = is_cooperative(c);
	struct err e = ERR_INIT;

	if (rd_kafka_assignment_lost(c->rk))
		diag_warn("group '%s': our partitions went to others; what was "
			"not committed will be read again", c->o->group);
	else if (!c->closing && !c->failure.code &&
		 !c->o->flush(c->o->user, &c->failure) && !c->o->gone &&
		 consume_commit(c, &e))
		diag_warn("%s", e.msg);
	for (int i = 0; i < list->cnt && c->o->gone; i++)
		c->o->gone(c->o->user, list->elems[i].topic,
			list->elems[i].partition);
	consume_deactivate(c, list);
	/* Having nothing for the moment is not having been given nothing. */
	c->assigned = c->active > 0;
	if (cooperative)
		rd_kafka_error_destroy(rd_kafka_incremental_unassign(c->rk, list));
	else
		rd_kafka_assign(c->rk, NULL);
}

void
consume_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct consume *c = client_user(opaque);

	(void)rk;
	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
		assign(c, list);
	else
		revoke(c, list);
}
