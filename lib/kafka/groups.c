#include "kafka/groups.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/request.h"

enum { AGAIN_MS = 50 }; /* between two looks at a broker that is not ready */

static int
left_ms(int64_t until)
{
	int64_t left = until - clock_mono_ms(clock_system());

	return left < 1 ? 1 : (int)left;
}

/* ---- results --------------------------------------------------------------- */

static const char *
copy(struct groups *l, const char *text)
{
	return arena_copy(&l->arena, slice_str(text ? text : "")).data;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->name,
		((const struct group *)b)->name);
}

struct group *
groups_find(const struct groups *l, const char *name)
{
	struct group want = { .name = name };

	return l->n ? bsearch(&want, l->items, (size_t)l->n, sizeof(want),
		by_name) : NULL;
}

void
groups_release(struct groups *l)
{
	arena_release(&l->arena);
	*l = (struct groups){ 0 };
}

static int
by_topic(const void *a, const void *b)
{
	const struct group_assigned *x = a, *y = b;
	int c = strcmp(x->topic, y->topic);

	return c ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

/* ---- an assignment as bytes ------------------------------------------------- */

/*
 * ConsumerProtocolAssignment: version INT16, then an array of topic STRING and
 * partitions ARRAY(INT32), then user data that nobody here reads. Bytes that
 * are not like this belong to another protocol and give no partitions.
 */
struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

static int32_t
take_i32(struct reader *r)
{
	const uint8_t *p = take(r, 4);

	return p ? (int32_t)be32_get(p) : 0;
}

static struct slice
take_string(struct reader *r)
{
	const uint8_t *p = take(r, 2);
	size_t n = p ? be16_get(p) : 0;

	p = take(r, n);
	return slice_make(p ? (const void *)p : "", p ? n : 0);
}

static void
add_assigned(struct groups *l, struct group_member *m, int *cap,
	const char *topic, int32_t partition)
{
	if (m->assigned_n == *cap) {
		struct group_assigned *more;

		*cap = *cap ? *cap * 2 : 16;
		more = arena_array(&l->arena, (size_t)*cap, sizeof(*more));
		if (m->assigned_n)
			memcpy(more, m->assigned,
				(size_t)m->assigned_n * sizeof(*more));
		m->assigned = more;
	}
	m->assigned[m->assigned_n++] = (struct group_assigned){ topic, partition };
}

static void
sort_assigned(struct group_member *m)
{
	if (m->assigned_n)
		qsort(m->assigned, (size_t)m->assigned_n, sizeof(*m->assigned),
			by_topic);
}

static void
read_assignment(struct groups *l, struct group_member *m, const void *bytes,
	int n)
{
	struct reader r = { bytes, (const uint8_t *)bytes + (n > 0 ? n : 0), !bytes };
	int cap = 0;

	take(&r, 2);
	for (int32_t topics = take_i32(&r); topics > 0 && !r.bad; topics--) {
		struct slice name = take_string(&r);
		const char *topic = arena_copy(&l->arena, name).data;

		for (int32_t k = take_i32(&r); k > 0 && !r.bad; k--) {
			int32_t id = take_i32(&r);

			if (!r.bad)
				add_assigned(l, m, &cap, topic, id);
		}
	}
	if (r.bad)
		m->assigned_n = 0;
	sort_assigned(m);
}

/* ---- list ------------------------------------------------------------------- */

/* Members of other protocols (Kafka Connect) have no partitions to read. */
static void
copy_listed(struct groups *l, struct group *g, const struct rd_kafka_group_info *from)
{
	bool is_consumer = !strcmp(from->protocol_type, "consumer");

	*g = (struct group){
		.name = copy(l, from->group), .state = copy(l, from->state),
		.protocol = is_consumer || !*from->protocol_type ? "classic" :
			copy(l, from->protocol_type),
		.assignor = copy(l, from->protocol),
		.coordinator = arena_printf(&l->arena, "%s:%d",
			from->broker.host, from->broker.port),
		.coordinator_id = from->broker.id,
		.members_n = from->member_cnt,
		.members = arena_array(&l->arena, (size_t)from->member_cnt,
			sizeof(*g->members))
	};
	for (int i = 0; i < from->member_cnt; i++) {
		const struct rd_kafka_group_member_info *m = &from->members[i];

		g->members[i] = (struct group_member){
			.id = copy(l, m->member_id),
			.client_id = copy(l, m->client_id),
			.host = copy(l, m->client_host)
		};
		if (is_consumer)
			read_assignment(l, &g->members[i], m->member_assignment,
				m->member_assignment_size);
	}
}

static struct err *
why_of(struct groups *l, struct client *c, rd_kafka_resp_err_t code,
	const char *detail)
{
	struct err *why = arena_alloc(&l->arena, sizeof(*why));

	client_error(c, code, detail, why);
	return why;
}

/*
 * Listed but unknown to DescribeGroups: of a newer protocol. Those that the
 * second listing has are consumer groups (KIP-848); the others are share or
 * streams groups.
 */
static void
name_newer(struct groups *l, struct request *r)
{
	const rd_kafka_ListConsumerGroups_result_t *result =
		rd_kafka_event_ListConsumerGroups_result(r->event);
	const rd_kafka_ConsumerGroupListing_t **listed;
	size_t n;

	for (int i = 0; i < l->n; i++)
		if (!strcmp(l->items[i].state, "Dead") && !l->items[i].why) {
			l->items[i].state = l->items[i].protocol = "";
			l->items[i].members_n = -1;
		}
	listed = rd_kafka_ListConsumerGroups_result_valid(result, &n);
	for (size_t i = 0; i < n; i++) {
		struct group *g = groups_find(l,
			rd_kafka_ConsumerGroupListing_group_id(listed[i]));

		if (!g || g->members_n >= 0 || *g->protocol)
			continue;
		g->protocol = "consumer";
		g->state = copy(l, rd_kafka_consumer_group_state_name(
			rd_kafka_ConsumerGroupListing_state(listed[i])));
		if (!strcmp(g->state, "Empty"))
			g->members_n = 0;
	}
}

static int
list_newer(struct groups *l, struct client *c, int timeout_ms, struct err *e)
{
	struct admin_options o = { .timeout_ms = timeout_ms };
	struct request r;
	int ret = request_init(&r, c, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, &o, e);

	if (!ret) {
		rd_kafka_ListConsumerGroups(client_handle(c), r.options, r.queue);
		ret = request_wait(&r, e);
	}
	if (!ret)
		name_newer(l, &r);
	request_release(&r);
	return ret;
}

/* ---- describe --------------------------------------------------------------- */

static void
copy_member(struct groups *l, struct group_member *to,
	const rd_kafka_MemberDescription_t *m)
{
	const rd_kafka_MemberAssignment_t *a =
		rd_kafka_MemberDescription_assignment(m);
	const rd_kafka_topic_partition_list_t *parts =
		a ? rd_kafka_MemberAssignment_partitions(a) : NULL;
	const char *instance = rd_kafka_MemberDescription_group_instance_id(m);
	const char *topic = NULL;
	int cap = 0;

	*to = (struct group_member){
		.id = copy(l, rd_kafka_MemberDescription_consumer_id(m)),
		.client_id = copy(l, rd_kafka_MemberDescription_client_id(m)),
		.host = copy(l, rd_kafka_MemberDescription_host(m)),
		.instance_id = instance && *instance ? copy(l, instance) : NULL
	};
	for (int i = 0; parts && i < parts->cnt; i++) {
		if (!topic || strcmp(topic, parts->elems[i].topic))
			topic = copy(l, parts->elems[i].topic);
		add_assigned(l, to, &cap, topic, parts->elems[i].partition);
	}
	sort_assigned(to);
}

/* librdkafka describes groups of the new protocol (KIP-848) from 2.10 on. */
#if RD_KAFKA_VERSION >= 0x020a00ff
enum { DESCRIBES_NEWER = true };

static const char *
protocol_of(const rd_kafka_ConsumerGroupDescription_t *d)
{
	return rd_kafka_ConsumerGroupDescription_type(d) ==
		RD_KAFKA_CONSUMER_GROUP_TYPE_CONSUMER ? "consumer" : "classic";
}
#else
enum { DESCRIBES_NEWER = false };

static const char *
protocol_of(const rd_kafka_ConsumerGroupDescription_t *d)
{
	(void)d;
	return "classic";
}
#endif

static void
copy_described(struct groups *l, struct client *c, struct group *g,
	const rd_kafka_ConsumerGroupDescription_t *d)
{
	const rd_kafka_Node_t *node =
		rd_kafka_ConsumerGroupDescription_coordinator(d);
	const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(d);
	size_t n = rd_kafka_ConsumerGroupDescription_member_count(d);

	*g = (struct group){
		.name = copy(l, rd_kafka_ConsumerGroupDescription_group_id(d)),
		.state = copy(l, rd_kafka_consumer_group_state_name(
			rd_kafka_ConsumerGroupDescription_state(d))),
		.protocol = protocol_of(d),
		.assignor = copy(l,
			rd_kafka_ConsumerGroupDescription_partition_assignor(d)),
		.coordinator = "", .coordinator_id = -1, .members_n = (int)n,
		.members = arena_array(&l->arena, n, sizeof(*g->members))
	};
	if (error) {
		g->state = g->protocol = "";
		g->why = why_of(l, c, rd_kafka_error_code(error),
			rd_kafka_error_string(error));
	}
	if (node) {
		g->coordinator = arena_printf(&l->arena, "%s:%d",
			rd_kafka_Node_host(node), rd_kafka_Node_port(node));
		g->coordinator_id = rd_kafka_Node_id(node);
	}
	for (size_t i = 0; i < n; i++)
		copy_member(l, &g->members[i],
			rd_kafka_ConsumerGroupDescription_member(d, i));
}

static int
describe_some(struct groups *l, struct client *c, const char *const *names, int n,
	int timeout_ms, struct group *items, struct err *e)
{
	struct admin_options o = { .timeout_ms = timeout_ms };
	const rd_kafka_ConsumerGroupDescription_t **found;
	struct request r;
	size_t got = 0;
	int ret;

	ret = request_init(&r, c, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, &o, e);
	if (!ret) {
		rd_kafka_DescribeConsumerGroups(client_handle(c),
			(const char **)(uintptr_t)names, (size_t)n, r.options,
			r.queue);
		ret = request_wait(&r, e);
	}
	if (!ret) {
		found = rd_kafka_DescribeConsumerGroups_result_groups(
			rd_kafka_event_DescribeConsumerGroups_result(r.event), &got);
		for (size_t i = 0; i < got; i++)
			copy_described(l, c, &items[i], found[i]);
	}
	request_release(&r);
	return ret ? -1 : (int)got;
}

/*
 * Describes n groups into items, which has room for them; all they point to
 * is l's. A request a group, no more at once than a broker works on.
 */
static int
describe(struct groups *l, struct client *c, const char *const *names, int n,
	int timeout_ms, struct group *items, struct err *e)
{
	enum { AT_ONCE = 256 };
	int64_t end = clock_mono_ms(clock_system()) + timeout_ms;
	int got = 0, some;

	for (int i = 0; i < n; i += AT_ONCE, got += some) {
		some = describe_some(l, c, names + i, n - i < AT_ONCE ? n - i :
			AT_ONCE, left_ms(end), items + got, e);
		if (some < 0)
			return -1;
	}
	return got;
}

int
groups_describe(struct client *c, const char *const *names, int n,
	int timeout_ms, struct groups *out, struct err *e)
{
	int got;

	*out = (struct groups){ 0 };
	if (!n)
		return 0;
	out->items = arena_array(&out->arena, (size_t)n, sizeof(*out->items));
	got = describe(out, c, names, n, timeout_ms, out->items, e);
	if (got < 0)
		return -1;
	out->n = got;
	qsort(out->items, (size_t)got, sizeof(*out->items), by_name);
	return 0;
}

/* ---- list, as a whole --------------------------------------------------------- */

/* Members of listed groups that only the newer describe knows. */
static int
describe_newer(struct groups *l, struct client *c, int timeout_ms, struct err *e)
{
	const char **names = xcalloc((size_t)l->n, sizeof(*names));
	struct group *described = xcalloc((size_t)l->n, sizeof(*described));
	int n = 0, got = 0;

	for (int i = 0; i < l->n; i++)
		if (l->items[i].members_n < 0 &&
		    !strcmp(l->items[i].protocol, "consumer"))
			names[n++] = l->items[i].name;
	if (n)
		got = describe(l, c, names, n, timeout_ms, described, e);
	for (int i = 0; i < got; i++) {
		struct group *g = groups_find(l, described[i].name);

		if (!g || described[i].why)
			continue;
		g->state = described[i].state;
		g->assignor = described[i].assignor;
		g->members = described[i].members;
		g->members_n = described[i].members_n;
	}
	free(described);
	free(names);
	return got < 0 ? -1 : 0;
}

/*
 * A broker that has just started reads its groups first, and says so. One that
 * closes the connection fails the whole call, but only the first: it is no
 * longer connected in the next, which goes on without it (PARTIAL).
 */
static bool
is_passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
		code == RD_KAFKA_RESP_ERR__TRANSPORT;
}

static rd_kafka_resp_err_t
list_all(struct client *c, int timeout_ms, const struct rd_kafka_group_list **out)
{
	const struct clock *clock = clock_system();
	int64_t until = clock_mono_ms(clock) + timeout_ms;
	rd_kafka_resp_err_t code;

	for (;;) {
		code = rd_kafka_list_groups(client_handle(c), NULL, out,
			timeout_ms);
		timeout_ms = (int)(until - clock_mono_ms(clock)) - AGAIN_MS;
		if (!is_passing(code) || timeout_ms <= 0 || sig_caught())
			return code;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, AGAIN_MS);
	}
}

int
groups_list(struct client *c, int timeout_ms, struct groups *out, struct err *e)
{
	const struct rd_kafka_group_list *listed = NULL;
	const struct clock *clock = clock_system();
	int64_t until = clock_mono_ms(clock) + timeout_ms;
	struct err ignored = ERR_INIT;
	rd_kafka_resp_err_t code;
	bool newer = false;

	*out = (struct groups){ 0 };
	/* A broker that does not answer takes all its time, and that of the newer list. */
	code = list_all(c, timeout_ms / 2, &listed);
	if (code && code != RD_KAFKA_RESP_ERR__PARTIAL)
		return client_error(c, code, NULL, e);
	out->partial = code != 0;
	out->items = arena_array(&out->arena, (size_t)listed->group_cnt,
		sizeof(*out->items));
	for (int i = 0; i < listed->group_cnt; i++) {
		struct group *g = &out->items[out->n++];

		copy_listed(out, g, &listed->groups[i]);
		if (listed->groups[i].err)
			g->why = why_of(out, c, listed->groups[i].err, NULL);
		newer |= !strcmp(g->state, "Dead") && !g->why;
	}
	rd_kafka_group_list_destroy(listed);
	if (out->n)
		qsort(out->items, (size_t)out->n, sizeof(*out->items), by_name);
	if (newer && (list_newer(out, c, left_ms(until), &ignored) ||
	    (DESCRIBES_NEWER && describe_newer(out, c, left_ms(until), &ignored))))
		out->partial = true;
	return 0;
}
