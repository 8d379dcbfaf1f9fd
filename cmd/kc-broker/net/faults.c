#include "net/faults.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/arena.h"
#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/fault_rule.h"
#include "net/generic.h"
#include "net/nodes.h"
#include "net/server.h"
#include "wire/errors.h"

enum { PRODUCE = 0, FETCH = 1, LIST_OFFSETS = 2, METADATA = 3,
	FIND_COORDINATOR = 10, DELETE_RECORDS = 21, INIT_PRODUCER_ID = 22,
	OFFSET_FOR_LEADER_EPOCH = 23 };

struct faults {
	struct broker *broker;
	struct list rules;
	struct loop_timer expiry;
};

struct fault_hit {
	struct fault_action action;
	const char *topic;       /* pattern, NULL = any; in the request's arena */
	int64_t partition;       /* -1 = any */
	bool by_partition;       /* the handler asks faults_error() */
	struct wire_writer late; /* the reply to send instead: error after handling */
	struct request *rq;      /* while it is delayed */
	struct loop_timer timer;
};

/* ---- the rules ------------------------------------------------------------ */

void
faults_apply_disk(struct broker *b)
{
	bool full = false, eio = false, nosync = false;
	int64_t slow = 0;

	for (struct list *i = b->faults ? b->faults->rules.next : NULL;
	    i && i != &b->faults->rules; i = i->next) {
		const struct fault_action *a =
			&container_of(i, struct fault_rule, node)->action;

		full |= a->full;
		eio |= a->eio;
		nosync |= a->nosync;
		slow = a->slow_ms > slow ? a->slow_ms : slow;
	}
	b->disk.full = full;
	b->disk.bad_sync = eio;
	b->disk.no_sync = nosync;
	b->disk.slow_ms = slow;
}

static void
forget(struct fault_rule *r)
{
	list_remove(&r->node);
	fault_rule_free(r);
}

/* Without a rule there is nothing to look at. */
static void
settle(struct broker *b)
{
	struct faults *f = b->faults;
	int64_t first = INT64_MAX;

	b->faults_n = 0;
	for (struct list *i = f->rules.next; i != &f->rules; i = i->next) {
		int64_t until = container_of(i, struct fault_rule, node)->until;

		first = until < first ? until : first;
		b->faults_n++;
	}
	if (first == INT64_MAX)
		loop_timer_clear(b->loop, &f->expiry);
	else
		loop_timer_set(b->loop, &f->expiry, first);
	if (list_is_empty(&f->rules)) {
		b->faults = NULL;
		free(f);
	}
	faults_apply_disk(b);
}

static void
expire(struct loop_timer *t)
{
	struct faults *f = container_of(t, struct faults, expiry);
	int64_t now = loop_now(f->broker->loop);
	struct list *i, *next;

	for (i = f->rules.next; i != &f->rules; i = next) {
		struct fault_rule *r = container_of(i, struct fault_rule, node);

		next = i->next;
		if (r->until > now)
			continue;
		log_info("fault rule ended id=%d rule=\"%s\"", r->id, r->text);
		forget(r);
	}
	settle(f->broker);
}

int
faults_add(struct broker *b, const char *line, struct err *e)
{
	struct fault_rule *r = fault_rule_parse(line, e);
	struct faults *f = b->faults;

	if (!r)
		return -1;
	if (!f) {
		f = b->faults = xcalloc(1, sizeof(*f));
		f->broker = b;
		f->expiry.fire = expire;
		list_init(&f->rules);
	}
	/* A number is not given twice while the process lives. */
	r->id = ++b->faults_added;
	if (r->for_ms > 0)
		r->until = loop_now(b->loop) + r->for_ms;
	list_append(&f->rules, &r->node);
	log_info("fault rule added id=%d rule=\"%s\"", r->id, r->text);
	settle(b);
	return b->faults_added;
}

int
faults_load(struct broker *b, const char *path, struct err *e)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (!file)
		return err_errno(e, ERR_USAGE, "cannot read the fault rules '%s'", path);
	for (int n = 1; !result && getline(&line, &size, file) >= 0; n++) {
		const char *p = line + strspn(line, " \t\r\n");

		if (*p && *p != '#' && faults_add(b, p, e) < 0)
			result = err_wrap(e, "%s:%d", path, n);
	}
	if (!result && ferror(file))
		result = err_errno(e, ERR_IO, "cannot read the fault rules '%s'", path);
	free(line);
	fclose(file);
	return result;
}

void
faults_list(const struct broker *b, struct buf *out)
{
	if (!b->faults)
		return;
	for (struct list *i = b->faults->rules.next; i != &b->faults->rules; i = i->next) {
		const struct fault_rule *r = container_of(i, struct fault_rule, node);

		buf_addf(out, "%d\t%lld\t%lld\t%s\n", r->id, (long long)r->seen,
			(long long)r->fired, r->text);
	}
}

int
faults_clear(struct broker *b, int id, struct err *e)
{
	struct list *i, *next;
	bool found = false;

	for (i = b->faults ? b->faults->rules.next : NULL;
	    i && i != &b->faults->rules; i = next) {
		struct fault_rule *r = container_of(i, struct fault_rule, node);

		next = i->next;
		if (id && r->id != id)
			continue;
		found = true;
		forget(r);
	}
	if (b->faults)
		settle(b);
	if (!found && id)
		return err_set(e, ERR_NOT_FOUND,
			"there is no fault rule %d (try: kc-broker fault list)", id);
	return 0;
}

/* ---- which requests ------------------------------------------------------- */

static bool
matches(const char *pattern, const char *text)
{
	return !pattern || !fnmatch(pattern, text, 0);
}

bool
faults_lost_leader(const struct faults *f, const char *topic, int32_t partition)
{
	for (struct list *i = f->rules.next; i != &f->rules; i = i->next) {
		const struct fault_rule *r = container_of(i, struct fault_rule, node);

		if (r->target == FAULT_LEADER && matches(r->topic, topic) &&
		    (r->partition < 0 || r->partition == partition))
			return true;
	}
	return false;
}

static bool
is_for(const struct fault_rule *r, const struct request *rq)
{
	int16_t key = rq->api->key;

	if (r->target == FAULT_REQUEST)
		return !r->api || r->api == rq->api;
	return r->target == FAULT_COORDINATOR && (api_is_coordinated(key) ||
		(r->action.lost && key == FIND_COORDINATOR));
}

static bool
names(const struct generic *g, enum generic_kind kind, const char *pattern,
	int64_t partition)
{
	if (!pattern)
		return true;
	for (int i = 0; i < g->names_n; i++) {
		const struct generic_name *n = &g->names[i];

		if (n->kind == kind && matches(pattern, n->text.data) &&
		    (partition < 0 || n->partition < 0 || n->partition == partition))
			return true;
	}
	return false;
}

static bool
is_matched(const struct fault_rule *r, struct request *rq, const struct generic *g)
{
	const char *client = (const char *)arena_copy(&rq->arena, rq->client_id).data;

	if (!is_for(r, rq) || rq->version < r->version_min ||
	    rq->version > r->version_max ||
	    (r->client && (!client || !matches(r->client, client))) ||
	    (r->broker >= 0 && r->broker != nodes_id(rq->broker, nodes_here(rq))))
		return false;
	/* Without a transaction nobody coordinates it. */
	if (r->target == FAULT_COORDINATOR && rq->api->key == INIT_PRODUCER_ID &&
	    !g->names_n)
		return false;
	return names(g, GENERIC_TOPIC, r->topic, r->partition) &&
		names(g, GENERIC_GROUP, r->group, -1) &&
		names(g, GENERIC_TXN, r->transactional_id, -1);
}

/* splitmix64; the same seed makes the same choices. */
static double
roll(struct fault_rule *r)
{
	uint64_t x = r->random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

static bool
fires(struct fault_rule *r, const struct request *rq)
{
	r->seen++;
	if ((r->nth && r->seen != r->nth) || (r->every && r->seen % r->every) ||
	    (r->request && rq->conn->requests_n != r->request) ||
	    (r->count && r->fired >= r->count) ||
	    (r->chance < 1 && roll(r) >= r->chance))
		return false;
	r->fired++;
	return true;
}

static struct fault_rule *
find_rule(struct request *rq, const struct generic *g)
{
	struct list *rules = &rq->broker->faults->rules;
	struct fault_rule *found = NULL;

	for (struct list *i = rules->next; i != rules; i = i->next) {
		struct fault_rule *r = container_of(i, struct fault_rule, node);

		if (is_matched(r, rq, g) && fires(r, rq) && !found)
			found = r;
	}
	return found;
}

/* ---- what happens to them ------------------------------------------------- */

/* An error of these requests belongs to partitions, and others go on. */
static bool
is_by_partition(int16_t key, int16_t error)
{
	switch (key) {
	case FETCH:
		return error != KERR_FETCH_SESSION_ID_NOT_FOUND &&
			error != KERR_INVALID_FETCH_SESSION_EPOCH &&
			error != KERR_FETCH_SESSION_TOPIC_ID_ERROR;
	case PRODUCE:
	case LIST_OFFSETS:
	case METADATA:
	case DELETE_RECORDS:
	case OFFSET_FOR_LEADER_EPOCH:
		return true;
	default:
		return false;
	}
}

static int16_t
error_of(const struct fault_action *a)
{
	return a->has_error ? a->error : a->lost ? KERR_COORDINATOR_NOT_AVAILABLE :
		a->loading ? KERR_COORDINATOR_LOAD_IN_PROGRESS : 0;
}

int16_t
faults_error(const struct fault_hit *h, const char *topic, int32_t partition)
{
	if (!h->by_partition || !matches(h->topic, topic) ||
	    (h->partition >= 0 && partition >= 0 && h->partition != partition))
		return 0;
	return h->action.error;
}

static struct fault_hit *
hit(struct request *rq, const struct fault_rule *r)
{
	struct fault_hit *h = arena_alloc(&rq->arena, sizeof(*h));

	h->action = r->action;
	h->topic = r->topic ? (const char *)arena_copy(&rq->arena,
		slice_str(r->topic)).data : NULL;
	h->partition = r->partition;
	return h;
}

bool
faults_begin(struct request *rq)
{
	struct fault_rule *r;
	struct fault_hit *h;
	struct generic g;
	char peer[ADDRESS_TEXT];
	int16_t error;

	/* A malformed one is for its handler to refuse. */
	if (generic_read(rq, &g) || !(r = find_rule(rq, &g)))
		return false;
	log_debug("fault rule fires id=%d api=%s version=%d peer=%s", r->id,
		rq->api->name, rq->version, address_text(&rq->conn->peer, peer));
	h = rq->fault = hit(rq, r);
	error = error_of(&h->action);
	if (h->action.close && !h->action.after && !h->action.drop && !error) {
		request_abort(rq);
		return true;
	}
	if (!error)
		return false;
	if (!h->action.after && is_by_partition(rq->api->key, error)) {
		h->by_partition = true;
		h->action.error = error;
		return false;
	}
	if (g.silent) {
		if (h->action.after)
			return false;
		request_abort(rq);
		return true;
	}
	generic_refuse(rq, &g, error);
	if (h->action.after) {
		h->late = rq->out;
		rq->out = (struct wire_writer){ 0 };
		return false;
	}
	request_finish(rq);
	return true;
}

static void
delay_over(struct loop_timer *t)
{
	struct request *rq = container_of(t, struct fault_hit, timer)->rq;

	request_finish(rq);
}

/* Its connection is gone while it is delayed. */
static void
on_closed(struct request *rq)
{
	loop_timer_clear(rq->broker->loop, &rq->fault->timer);
	wire_writer_release(&rq->fault->late);
	request_finish(rq);
}

static bool
hold(struct request *rq)
{
	struct fault_hit *h = rq->fault;
	struct loop *l = rq->broker->loop;

	if (!h->action.delay_ms || h->rq)
		return false;
	h->rq = rq;
	h->timer.fire = delay_over;
	rq->closed = on_closed;
	rq->hurry = NULL;
	loop_timer_set(l, &h->timer, loop_now(l) + h->action.delay_ms);
	return true;
}

bool
faults_finish(struct request *rq)
{
	struct fault_hit *h = rq->fault;

	if (hold(rq))
		return true;
	if (h->action.drop || (rq->silent && h->action.close)) {
		if (h->action.close) {
			wire_writer_release(&h->late);
			request_abort(rq);
			return true;
		}
		rq->silent = true;
	}
	if (h->late.out.data) {
		wire_writer_release(&rq->out);
		rq->out = h->late;
		h->late = (struct wire_writer){ 0 };
	}
	if (!rq->silent && h->action.throttle_ms)
		generic_throttle(rq, (int32_t)h->action.throttle_ms);
	return false;
}

void
faults_forget(struct request *rq)
{
	wire_writer_release(&rq->fault->late);
	rq->fault = NULL;
}

void
faults_cut(struct request *rq)
{
	const struct fault_action *a = &rq->fault->action;
	struct slice head;

	if (a->close)
		rq->conn->closing = true;
	if (a->truncate < 0 || (size_t)a->truncate >= rq->out.out.len)
		return;
	rq->conn->closing = true;
	head = arena_copy(&rq->arena, slice_make(rq->out.out.data,
		(size_t)a->truncate));
	wire_writer_clear(&rq->out);
	buf_add(&rq->out.out, head.data, head.len);
}
