#include "net/quota.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "broker.h"
#include "meta/settings.h"
#include "net/server.h"

enum {
	BUCKETS_MAX = 20000, /* who is beyond shares one */
	NAME_MAX_USED = 256, /* bytes of a client id that are told apart */
};

struct bucket {
	struct slice key;  /* a byte for the quota key, then who */
	double credit;     /* may be negative: owed */
	double limit;      /* per second, at the last use */
	int64_t at;        /* ms, monotonic: when credit was right */
};

struct quota_buckets {
	struct map buckets;
	double window;     /* seconds of credit that can be saved */
	int64_t sample_ms; /* longest wait for time and connections, as Kafka bounds it */
};

struct quota_buckets *
quota_buckets_new(const struct server *s)
{
	const struct config *c = s->broker->config;
	struct quota_buckets *q = xcalloc(1, sizeof(*q));
	int64_t size = config_get_int64(c, "quota.window.size.seconds");

	q->window = (double)((config_get_int64(c, "quota.window.num") - 1) * size);
	q->sample_ms = size * 1000;
	return q;
}

static void
bucket_free(struct quota_buckets *q, struct bucket *b)
{
	map_del(&q->buckets, b->key);
	free(b);
}

void
quota_buckets_free(struct quota_buckets *q)
{
	struct bucket *b;

	for (size_t i = 0; (b = map_next(&q->buckets, &i)); )
		free(b);
	map_release(&q->buckets);
	free(q);
}

/* ---- buckets -------------------------------------------------------------- */

static void
refill(const struct quota_buckets *q, struct bucket *b, double limit, int64_t now)
{
	double most = limit * q->window;

	b->credit += b->limit * (double)(now - b->at) / 1000;
	if (b->credit > most)
		b->credit = most;
	b->limit = limit;
	b->at = now;
}

static struct bucket *
bucket_of(struct server *s, enum quota_key k, struct slice who, double limit)
{
	struct quota_buckets *q = s->quotas;
	char text[NAME_MAX_USED * 3];
	struct slice key;
	struct bucket *b;
	size_t n = who.len < sizeof(text) - 1 ? who.len : sizeof(text) - 1;

	text[0] = (char)k;
	memcpy(text + 1, who.data, n);
	key = slice_make(text, n + 1);
	b = map_get(&q->buckets, key);
	if (!b && q->buckets.len >= BUCKETS_MAX) {
		key.len = 1;
		b = map_get(&q->buckets, key);
	}
	if (!b) {
		b = xcalloc(1, sizeof(*b) + key.len);
		memcpy(b + 1, key.data, key.len);
		b->key = slice_make(b + 1, key.len);
		b->credit = limit * q->window;
		b->at = loop_now(s->loop);
		map_put(&q->buckets, b->key, b);
	}
	refill(q, b, limit, loop_now(s->loop));
	return b;
}

/* ms until the credit is no longer negative. */
static int32_t
wait_ms(const struct bucket *b)
{
	double ms = b->credit < 0 ? -b->credit / b->limit * 1000 : 0;

	return ms < INT32_MAX ? (int32_t)(ms + 0.999) : INT32_MAX;
}

void
quota_tick(struct server *s)
{
	struct quota_buckets *q = s->quotas;
	struct bucket *b;
	size_t i = 0;

	while ((b = map_next(&q->buckets, &i))) {
		refill(q, b, b->limit, loop_now(s->loop));
		if (b->credit >= b->limit * q->window)
			bucket_free(q, b);
	}
}

/* ---- whose ---------------------------------------------------------------- */

static bool
has_quotas(const struct server *s)
{
	return s->broker->meta &&
		meta_settings_count(s->broker->meta, SETTINGS_QUOTA);
}

/* NULL = no limit. Nobody is authenticated: everybody is Kafka's ANONYMOUS. */
static struct bucket *
bucket_of_client(struct server *s, enum quota_key k, struct slice client)
{
	struct buf who = BUF_INIT;
	struct bucket *b = NULL;
	double limit;

	if (!has_quotas(s))
		return NULL;
	if (client.len > NAME_MAX_USED)
		client.len = NAME_MAX_USED;
	limit = quota_of_client(s->broker->meta, k, slice_str("ANONYMOUS"), client,
		&who);
	if (limit > 0)
		b = bucket_of(s, k, buf_slice(&who), limit);
	buf_release(&who);
	return b;
}

static int32_t
larger(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

int32_t
quota_charge(struct request *rq, enum quota_key k, double amount)
{
	struct bucket *b;
	int32_t ms = rq->throttle_ms;

	if (!rq->conn)
		return ms;
	b = bucket_of_client(rq->broker->server, k, rq->client_id);
	if (b) {
		b->credit -= amount;
		ms = larger(ms, wait_ms(b));
	}
	conn_mute(rq->conn, ms);
	return ms;
}

bool
quota_may_change(struct request *rq, int16_t strict, int32_t partitions)
{
	struct bucket *b = bucket_of_client(rq->broker->server, QUOTA_MUTATION,
		rq->client_id);
	bool may = !b || b->credit >= 0 || rq->version < strict;

	if (!b)
		return true;
	if (may)
		b->credit -= partitions;
	/* The wait is the next one's, when it is only now that credit is gone. */
	if (!may || rq->version < strict)
		rq->throttle_ms = larger(rq->throttle_ms, wait_ms(b));
	if (rq->conn)
		conn_mute(rq->conn, rq->throttle_ms);
	return may;
}

/* ---- processing time ------------------------------------------------------ */

bool
quota_times_requests(const struct server *s)
{
	return has_quotas(s);
}

void
quota_charge_time(struct conn *c, struct slice client, int64_t ns)
{
	struct bucket *b = bucket_of_client(c->server, QUOTA_REQUEST, client);

	if (b)
		b->credit -= (double)ns / 1e7; /* percent of a second */
}

int32_t
quota_owed(struct conn *c, struct slice client)
{
	struct bucket *b = bucket_of_client(c->server, QUOTA_REQUEST, client);
	int32_t ms = b ? wait_ms(b) : 0;

	return ms < c->server->quotas->sample_ms ? ms :
		(int32_t)c->server->quotas->sample_ms;
}

/* ---- connections ---------------------------------------------------------- */

int32_t
quota_connection(struct conn *c)
{
	char host[INET6_ADDRSTRLEN];
	struct server *s = c->server;
	struct buf who = BUF_INIT;
	struct bucket *b;
	int32_t ms = 0;
	double limit;

	if (s->conns_rate < INT32_MAX) {
		b = bucket_of(s, QUOTA_KEYS, slice_str(""), s->conns_rate);
		b->credit -= 1;
		ms = wait_ms(b);
	}
	if (!has_quotas(s))
		return ms;
	limit = quota_of_address(s->broker->meta,
		slice_str(address_host(&c->peer, host)), &who);
	if (limit > 0) {
		b = bucket_of(s, QUOTA_CONNECTION, buf_slice(&who), limit);
		b->credit -= 1;
		ms = larger(ms, wait_ms(b));
	}
	buf_release(&who);
	return ms;
}
