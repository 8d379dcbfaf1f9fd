#include "api/fetch_parts.h"

#include "api/named.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/loop.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	NO_SESSION = 0,
	FINAL_EPOCH = -1,   /* a full fetch without a session (KIP-227) */
	INITIAL_EPOCH = 0,  /* a full fetch that asks for one */
	TOPIC_ID_SINCE = 13,
};

static struct fetch_part
part_of(int16_t version, const struct fetch_request_topic *t,
	const struct fetch_request_partition *p)
{
	bool by_id = version >= TOPIC_ID_SINCE;

	return (struct fetch_part){
		.topic_id = by_id ? t->topic_id : (struct uuid){ { 0 } },
		.topic = by_id ? SLICE_NULL : t->topic,
		.partition = p->partition,
		.leader_epoch = p->current_leader_epoch,
		.offset = p->fetch_offset,
		.max_bytes = p->partition_max_bytes,
		.told_high_watermark = -1,
		.told_log_start = -1,
	};
}

static int
count_partitions(const struct fetch_request *q)
{
	int n = 0;

	for (int i = 0; i < q->topics_n; i++)
		n += q->topics[i].partitions_n > 0 ? q->topics[i].partitions_n : 0;
	return n;
}

/*
 * Parts of this request alone, in the arena. From the end: of a partition that
 * is named twice the last one counts, as in Kafka and in sessions.
 */
static void
collect(struct fetch_parts *p, struct request *rq, const struct fetch_request *q)
{
	struct meta *m = rq->broker->meta;
	bool by_id = rq->version >= TOPIC_ID_SINCE;
	uint64_t walk = named_walk(rq);
	int at = count_partitions(q);
	struct fetch_part *all = arena_array(&rq->arena, (size_t)at, sizeof(*all));

	p->v = arena_array(&rq->arena, (size_t)at, sizeof(*p->v));
	p->v += at;
	for (int i = q->topics_n; i-- > 0;) {
		const struct fetch_request_topic *in = &q->topics[i];
		struct slice name = arena_copy(&rq->arena, in->topic);
		const struct topic *t = by_id ? meta_topic_by_id(m, &in->topic_id) :
			meta_topic(m, in->topic);

		for (int k = in->partitions_n; k-- > 0;) {
			if (named_before(t, in->partitions[k].partition, walk))
				continue;
			all[--at] = part_of(rq->version, in, &in->partitions[k]);
			if (!by_id)
				all[at].topic = name;
			*--p->v = &all[at];
			p->n++;
		}
	}
}

static void
forget(struct fetch_session *s, int16_t version, const struct fetch_request_forgotten *t)
{
	const struct fetch_request_topic topic = { .topic = t->topic,
		.topic_id = t->topic_id };

	for (int k = 0; k < t->partitions_n; k++) {
		const struct fetch_request_partition number = {
			.partition = t->partitions[k] };
		struct fetch_part part = part_of(version, &topic, &number);

		fetch_session_forget(s, &part);
	}
}

/* Applies the request to the session and lists all it then reads; false: no room. */
static bool
collect_session(struct fetch_parts *p, struct request *rq, const struct fetch_request *q)
{
	struct fetch_session *s = p->session;
	int16_t version = rq->version;

	for (int i = 0; i < q->topics_n; i++) {
		for (int k = 0; k < q->topics[i].partitions_n; k++) {
			struct fetch_part part = part_of(version, &q->topics[i],
				&q->topics[i].partitions[k]);

			if (!fetch_session_put(s, &part))
				return false;
		}
	}
	for (int i = 0; i < q->forgotten_topics_data_n; i++)
		forget(s, version, &q->forgotten_topics_data[i]);
	p->v = arena_array(&rq->arena, (size_t)s->parts_n, sizeof(*p->v));
	for (struct list *l = s->parts.next; l != &s->parts; l = l->next)
		p->v[p->n++] = container_of(l, struct fetch_part, node);
	return true;
}

/* The partitions to read: 0 or a top-level error. */
static int16_t
choose_parts(struct fetch_parts *p, struct request *rq, const struct fetch_request *q)
{
	if (p->session && collect_session(p, rq, q)) {
		fetch_session_hold(p->session);
		return KERR_NONE;
	}
	if (p->session) {
		fetch_session_close(rq->broker->fetch_sessions, p->session);
		p->session = NULL;
		p->session_id = NO_SESSION;
		if (!p->full) /* it comes again with all of them */
			return KERR_FETCH_SESSION_ID_NOT_FOUND;
	}
	collect(p, rq, q);
	return KERR_NONE;
}

/* Which session the request means; 0 or a top-level error. */
static int16_t
choose_session(struct fetch_parts *p, struct request *rq, const struct fetch_request *q)
{
	struct fetch_sessions *ss = rq->broker->fetch_sessions;
	int64_t now = loop_now(rq->broker->loop);
	bool by_id = rq->version >= TOPIC_ID_SINCE;
	struct fetch_session *s = q->session_id == NO_SESSION ? NULL :
		fetch_session_find(ss, q->session_id, now);

	p->full = q->session_epoch == FINAL_EPOCH ||
		q->session_epoch == INITIAL_EPOCH;
	/* Fault rules are about what requests name: no session, all is named. */
	if (rq->broker->faults)
		return p->full ? KERR_NONE : KERR_FETCH_SESSION_ID_NOT_FOUND;
	if (p->full) {
		if (s)
			fetch_session_close(ss, s);
		if (q->session_epoch == INITIAL_EPOCH)
			p->session = fetch_session_open(ss, by_id, now);
		p->session_id = p->session ? p->session->id : NO_SESSION;
		return KERR_NONE;
	}
	if (!s)
		return KERR_FETCH_SESSION_ID_NOT_FOUND;
	/* busy: its partitions are in use by a fetch of another connection */
	if (q->session_epoch != s->epoch || s->busy)
		return KERR_INVALID_FETCH_SESSION_EPOCH;
	if (s->by_id != by_id)
		return KERR_FETCH_SESSION_TOPIC_ID_ERROR;
	s->epoch = s->epoch == INT32_MAX ? 1 : s->epoch + 1;
	p->session = s;
	p->session_id = s->id;
	return KERR_NONE;
}

int16_t
fetch_parts_choose(struct fetch_parts *p, struct request *rq, const struct fetch_request *q)
{
	int16_t error = choose_session(p, rq, q);

	return error ? error : choose_parts(p, rq, q);
}
