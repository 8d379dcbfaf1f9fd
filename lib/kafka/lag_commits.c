/*
 * lag_commits.c - what the groups have committed: one OffsetFetch a group,
 * many in flight at once, merged with what their members own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/lag_pass.h"
#include "kafka/request.h"

static int
by_topic(const void *a, const void *b)
{
	const struct lag_partition *x = a, *y = b;

	if (x->topic != y->topic)
		return strcmp(x->topic->name, y->topic->name);
	return (x->id > y->id) - (x->id < y->id);
}

/* Sorts rows; of two about one partition, one has the owner and one the commit. */
static void
merge(struct lag_group *g)
{
	struct lag_partition *rows = g->partitions;
	int n = 0;

	if (g->partitions_n)
		qsort(rows, (size_t)g->partitions_n, sizeof(*rows), by_topic);
	for (int i = 0; i < g->partitions_n; i++) {
		struct lag_partition *last = n ? &rows[n - 1] : NULL;

		if (!last || by_topic(last, &rows[i])) {
			rows[n++] = rows[i];
			continue;
		}
		if (rows[i].member)
			last->member = rows[i].member;
		if (rows[i].committed >= 0 || rows[i].failed) {
			last->committed = rows[i].committed;
			last->failed = rows[i].failed;
			last->failed_why = rows[i].failed_why;
		}
	}
	g->partitions_n = n;
}

static bool
is_topic_wanted(const struct lag_measure_options *o, const char *topic)
{
	for (int i = 0; i < o->topics_n; i++)
		if (!strcmp(o->topics[i], topic))
			return true;
	return !o->topics_n;
}

static void
drop_unwanted(const struct lag_measure_options *o, struct lag_group *g)
{
	int n = 0;

	for (int i = 0; i < g->partitions_n; i++)
		if (is_topic_wanted(o, g->partitions[i].topic->name))
			g->partitions[n++] = g->partitions[i];
	g->partitions_n = n;
}

/* A group without rows has one that stands for it. */
static void
add_placeholder(struct lag_pass *pass, struct lag_group *g)
{
	g->partitions = arena_array(&pass->s->arena, 1, sizeof(*g->partitions));
	g->partitions_n = 1;
	g->partitions[0] = lag_row(NULL, -1);
}

static void
add_commits(struct lag_pass *pass, struct lag_group *g,
	const rd_kafka_topic_partition_list_t *l)
{
	struct lag_partition *rows = arena_array(&pass->s->arena,
		(size_t)g->partitions_n + (size_t)l->cnt, sizeof(*rows));
	struct lag_topic *topic = NULL;
	int n = g->partitions_n;

	if (n)
		memcpy(rows, g->partitions, (size_t)n * sizeof(*rows));
	for (int i = 0; i < l->cnt; i++) {
		const rd_kafka_topic_partition_t *from = &l->elems[i];
		struct lag_partition *p = &rows[n];

		/* asked for by name, but not committed */
		if (!from->err && from->offset < 0)
			continue;
		if (!topic || strcmp(topic->name, from->topic))
			topic = lag_topic(pass->s, slice_str(from->topic));
		*p = lag_row(topic, from->partition);
		p->committed = from->offset >= 0 ? from->offset : -1;
		if (from->err)
			p->failed = lag_reason_of(from->err, &p->failed_why);
		n++;
	}
	g->partitions = rows;
	g->partitions_n = n;
}

/* A group that is not there for OffsetFetch has no commits. */
static void
take_error(struct lag_group *g, rd_kafka_resp_err_t code)
{
	if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND || g->reason)
		return;
	g->reason = lag_reason_of(code, &g->error);
	for (int i = 0; i < g->partitions_n; i++) {
		g->partitions[i].failed = g->reason;
		g->partitions[i].failed_why = g->error;
	}
}

/* The event's, or that of its only group. */
static rd_kafka_resp_err_t
error_of(rd_kafka_event_t *event, const rd_kafka_topic_partition_list_t **commits)
{
	const rd_kafka_group_result_t **groups;
	size_t n;

	*commits = NULL;
	if (rd_kafka_event_error(event))
		return rd_kafka_event_error(event);
	groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
		rd_kafka_event_ListConsumerGroupOffsets_result(event), &n);
	if (n != 1)
		return RD_KAFKA_RESP_ERR__BAD_MSG;
	*commits = rd_kafka_group_result_partitions(groups[0]);
	return rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
}

/* ---- requests -------------------------------------------------------------------- */

/*
 * A broker answers one request of a connection at a time: with many groups,
 * several connections keep it busy, each a handle's own. More than IN_FLIGHT
 * of one would only lie in the buffers between the two; thousands that filled
 * them have been seen to stop a connection for good.
 */
enum { LANES = 3, GROUPS_A_LANE = 100, IN_FLIGHT = 256, READY_MS = 500,
	POLL_MS = 1 };

struct lane {
	struct client *client;
	rd_kafka_queue_t *queue;
	rd_kafka_AdminOptions_t *direct; /* to the broker that listed the group */
	rd_kafka_AdminOptions_t *found;  /* to its coordinator, whichever that is */
	int n;                   /* requests without an answer */
};

struct asking {
	struct lag_pass *pass;
	struct lane lanes[LANES];
	int lanes_n;
	int next;                /* group to be asked for */
	bool *missing;           /* by group: no answer yet */
	bool *moved;             /* by group: its coordinator has to be found */
};

static rd_kafka_AdminOptions_t *
new_options(rd_kafka_t *rk)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk,
		RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
	char why[256];

	rd_kafka_AdminOptions_set_request_timeout(o, REQUEST_NO_LIMIT_MS, why,
		sizeof(why));
	return o;
}

static void
open_lane(struct lane *lane, struct client *c)
{
	rd_kafka_t *rk = client_handle(c);

	*lane = (struct lane){ .client = c, .queue = rd_kafka_queue_new(rk),
		.direct = new_options(rk), .found = new_options(rk) };
}

static void
close_lane(struct lane *lane)
{
	rd_kafka_AdminOptions_destroy(lane->direct);
	rd_kafka_AdminOptions_destroy(lane->found);
	rd_kafka_queue_destroy(lane->queue);
}

/*
 * A broker lists the groups that it coordinates: asked for by its id, which
 * saves a FindCoordinator a group.
 */
static void
ask(struct lane *lane, struct lag_group *g, bool moved)
{
	rd_kafka_ListConsumerGroupOffsets_t *request =
		rd_kafka_ListConsumerGroupOffsets_new(g->name, NULL);
	rd_kafka_AdminOptions_t *options = lane->direct;
	char why[256];

	if (moved || rd_kafka_AdminOptions_set_broker(options,
	    g->coordinator_id, why, sizeof(why)))
		options = lane->found;
	rd_kafka_AdminOptions_set_opaque(options, g);
	rd_kafka_ListConsumerGroupOffsets(client_handle(lane->client), &request,
		1, options, lane->queue);
	rd_kafka_ListConsumerGroupOffsets_destroy(request);
	lane->n++;
}

/* As many as may be in flight on it. */
static void
fill(struct asking *x, struct lane *lane)
{
	struct lag_snapshot *s = x->pass->s;

	while (lane->n < IN_FLIGHT && x->next < s->groups_n) {
		struct lag_group *g = &s->groups[x->next++];

		if (!g->reason)
			ask(lane, g, false);
	}
}

/* The group went to another broker since it was listed, or is going there. */
static bool
has_moved(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
		code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
		code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

static void
take_answer(struct asking *x, struct lane *lane, rd_kafka_event_t *event)
{
	struct lag_group *g = rd_kafka_event_opaque(event);
	const rd_kafka_topic_partition_list_t *commits;
	rd_kafka_resp_err_t code = error_of(event, &commits);
	int i = (int)(g - x->pass->s->groups);

	lane->n--;
	if (has_moved(code) && !x->moved[i]) {
		x->moved[i] = true;
		ask(lane, g, true);
		return;
	}
	x->missing[i] = false;
	if (code)
		take_error(g, code);
	else if (commits)
		add_commits(x->pass, g, commits);
}

/* Takes the answers that are there, and asks on; waits for one so long. */
static int
collect(struct asking *x, struct lane *lane, int wait_ms)
{
	rd_kafka_event_t *event;
	int n = 0;

	while (lane->n && (event = rd_kafka_queue_poll(lane->queue, wait_ms))) {
		take_answer(x, lane, event);
		rd_kafka_event_destroy(event);
		wait_ms = 0;
		n++;
	}
	fill(x, lane);
	return n;
}

static void
collect_all(struct asking *x, int64_t end_ms)
{
	const struct clock *clock = clock_system();
	int waits = 0, busy = 1, got;

	while (busy && lag_left_ms(x->pass) && clock_mono_ms(clock) < end_ms) {
		busy = got = 0;
		for (int i = 0; i < x->lanes_n; i++) {
			got += collect(x, &x->lanes[i], i == waits ? POLL_MS : 0);
			busy += x->lanes[i].n;
		}
		/* Not always for the same one, and for none that has nothing to do. */
		if (!got || !x->lanes[waits].n)
			waits = (waits + 1) % x->lanes_n;
	}
}

/* Lanes beside the first, which listed the groups; one that is not ready in time is not used. */
static void
open_lanes(struct asking *x)
{
	struct err ignored = ERR_INIT;

	open_lane(&x->lanes[x->lanes_n++], x->pass->client);
	fill(x, &x->lanes[0]);
	for (int i = 1; i < LANES && i <= x->pass->s->groups_n / GROUPS_A_LANE; i++) {
		struct lane *lane = &x->lanes[x->lanes_n];
		struct client *c = client_twin(x->pass->client, LAG_TWINS + i - 1,
			NULL, NULL);

		if (!c)
			return;
		collect(x, &x->lanes[0], 0);
		if (client_wait(c, READY_MS, &ignored))
			continue;
		open_lane(lane, c);
		fill(x, &x->lanes[x->lanes_n++]);
	}
}

/* One request a group; `missing` stays true where no answer came. */
static void
ask_all(struct lag_pass *pass, int timeout_ms, bool *missing)
{
	int64_t end_ms = clock_mono_ms(clock_system()) + timeout_ms;
	struct asking x = { .pass = pass, .missing = missing,
		.moved = xcalloc((size_t)pass->s->groups_n, sizeof(bool)) };

	open_lanes(&x);
	collect_all(&x, end_ms);
	for (int i = 0; i < x.lanes_n; i++)
		close_lane(&x.lanes[i]);
	free(x.moved);
}

/* Groups that only the brokers keep offsets of: see lag_groups.c. */
static void
name_protocol(struct lag_group *g)
{
	if (*g->protocol || g->members_n >= 0 || g->reason)
		return;
	g->protocol = g->partitions_n ? "streams" : "share";
	if (!g->partitions_n)
		g->reason = LAG_SHARE_GROUP;
}

void
lag_commits(struct lag_pass *pass)
{
	bool *missing = xcalloc((size_t)pass->s->groups_n, sizeof(*missing));
	int timeout_ms = lag_share_ms(pass);

	for (int i = 0; i < pass->s->groups_n; i++)
		missing[i] = !pass->s->groups[i].reason;
	if (timeout_ms)
		ask_all(pass, timeout_ms, missing);
	for (int i = 0; i < pass->s->groups_n; i++) {
		struct lag_group *g = &pass->s->groups[i];

		if (missing[i])
			take_error(g, RD_KAFKA_RESP_ERR__TIMED_OUT);
		merge(g);
		name_protocol(g);
		drop_unwanted(pass->o, g);
		if (!g->partitions_n && !pass->o->topics_n)
			add_placeholder(pass, g);
	}
	free(missing);
}
