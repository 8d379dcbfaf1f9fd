/*
 * torture.h - what torture.c knows of what it did: topics in slots (a name
 * and a partition), the batches sent to them and the commits they are in.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <inttypes.h>

#include "base/arena.h"
#include "fixture.h"
#include "simfs.h"
#include "store/state.h"
#include "store/txn.h"

enum slot { SLOT_SMALL, SLOT_PLAIN, SLOT_LARGE, SLOT_TXN, SLOT_RETENTION,
	SLOT_KEYED, SLOTS };
enum { TOPICS = 250, KEYS = 9 };

/* Of what is in commits: */
#define UNKNOWN UINT64_MAX       /* it may be there or not */
#define WITH_THE_END (UINT64_MAX - 1) /* there after an end in order */

struct sent {
	int topic;
	int64_t base, end;
	uint64_t commit;    /* 0 = durable since before this life */
	uint32_t crc;       /* of the batch */
	/* what it is made of */
	uint32_t serial;
	int32_t count;
	size_t size;
	int64_t producer;   /* -1 = none */
	int32_t sequence;
	bool transactional, marker;
};

struct keyed {          /* a record of SLOT_KEYED */
	int topic;
	int64_t offset;
	uint64_t commit;
	uint32_t serial;    /* its value; 0 = a tombstone */
	char key;
	bool found;
};

struct version {        /* of a slot: this topic since this commit */
	int topic;
	uint64_t commit;
};

struct start {          /* DeleteRecords */
	int topic;
	int64_t offset;
	uint64_t commit;
};

struct mark {           /* a moment: operations done, and the newest commit that had ended */
	size_t op;
	uint64_t committed;
};

struct model {
	uint32_t random, serial;
	bool holes;         /* what was not acknowledged may be lost in pieces */
	int life, topics_n; /* numbers that were given */
	int64_t asked_start[TOPICS];
	struct version versions[SLOTS][TOPICS];
	int versions_n[SLOTS];
	struct sent *sent;
	size_t sent_n, sent_cap;
	struct keyed *keyed;
	size_t keyed_n, keyed_cap;
	struct start *starts;
	size_t starts_n, starts_cap;
	struct mark *marks;
	size_t marks_n, marks_cap;
};

/* A store that runs. */
struct life {
	struct partlog *log[SLOTS]; /* NULL = the slot has no topic */
	int topic[SLOTS];
	int32_t sequence[SLOTS];
	bool open_txn;
	bool may_refuse; /* the disk is full, or about to fail */
};

#define MODEL_ADD(m, list)                                                    \
	((m)->list##_n == (m)->list##_cap ? (void)((m)->list = xreallocarray( \
		(m)->list, (m)->list##_cap = (m)->list##_cap * 2 + 64,        \
		sizeof(*(m)->list))) : (void)0, &(m)->list[(m)->list##_n++])

static inline uint32_t
model_random(struct model *m, uint32_t n)
{
	return sim_random(&m->random) % n;
}

static inline void
model_release(struct model *m)
{
	free(m->sent);
	free(m->keyed);
	free(m->starts);
	free(m->marks);
}

/* Without the marks. */
static inline struct model
model_copy(const struct model *from)
{
	struct model m = *from;

	m.sent = xmemdup(from->sent, from->sent_n * sizeof(*m.sent));
	m.starts = xmemdup(from->starts, from->starts_n * sizeof(*m.starts));
	m.keyed = xmemdup(from->keyed, from->keyed_n * sizeof(*m.keyed));
	m.sent_cap = m.sent_n;
	m.keyed_cap = m.keyed_n;
	m.starts_cap = m.starts_n;
	m.marks = NULL;
	m.marks_n = m.marks_cap = 0;
	return m;
}

/* ---- what is done --------------------------------------------------------- */

static inline struct buf
model_batch(const struct sent *x)
{
	char *value = xcalloc(1, x->size);
	struct buf b = BUF_INIT;

	b.len = BATCH_HEADER;
	buf_grow(&b, BATCH_HEADER + (x->size + 40) * (size_t)x->count);
	memset(value, (int)(x->serial % 251) + 1, x->size);
	be32_put(value, (uint32_t)x->topic);
	be32_put(value + 4, x->serial);
	for (int32_t i = 0; i < x->count; i++)
		put_record(&b, i, i, SLICE_NULL, slice_make(value, x->size));
	free(value);
	finish_batch(&b, x->transactional ? BATCH_TRANSACTIONAL : 0, x->count, T0,
		T0 + x->count - 1, x->producer, x->producer < 0 ? -1 : 0,
		x->producer < 0 ? -1 : x->sequence);
	return b;
}

/* What was just appended is there once this commit has ended. */
static inline uint64_t
model_commit(const struct store *s)
{
	return s->durable ? commit_newest(s) : WITH_THE_END;
}

static inline struct append_result
model_send(struct model *m, struct partlog *l, const struct sent *x)
{
	struct buf b = model_batch(x);
	struct append_result r = append_buf(l, &b);
	struct sent *s;
	struct batch h;

	if (!r.error && !r.duplicate) {
		s = MODEL_ADD(m, sent);
		*s = *x;
		batch_decode(b.data, &h);
		s->crc = h.crc;
		s->base = r.base_offset;
		s->end = r.base_offset + x->count;
		s->commit = model_commit(l->store);
	}
	buf_release(&b);
	return r;
}

static inline void
model_note_marker(struct model *m, struct partlog *l, int topic,
	const struct append_result *r)
{
	*MODEL_ADD(m, sent) = (struct sent){ .topic = topic, .base = r->base_offset,
		.end = r->base_offset + 1, .commit = model_commit(l->store),
		.producer = -1, .marker = true };
}

static inline void
model_note_start(struct model *m, int topic, int64_t offset, uint64_t commit)
{
	*MODEL_ADD(m, starts) = (struct start){ topic, offset, commit };
	if (offset > m->asked_start[topic])
		m->asked_start[topic] = offset;
}

/* Slot and topic go into the metadata log, as every change of topics does. */
static inline void
model_set_topic(struct model *m, struct fixture *f, int slot, int topic)
{
	struct append_result r;
	struct batch_builder b;
	char key[16], value[16];

	snprintf(key, sizeof(key), "%d", slot);
	snprintf(value, sizeof(value), "%d", topic);
	batch_begin(&b);
	batch_add(&b, T0, slice_str(key), slice_str(value));
	batch_finish(&b);
	partlog_append(store_metadata(f->s), b.out.data, b.out.len,
		APPEND_COORDINATOR, &r);
	CHECK_INT(r.error, 0);
	m->versions[slot][m->versions_n[slot]++] = (struct version){ topic,
		model_commit(f->s) };
	buf_release(&b.out);
}

static inline void
model_mark(struct model *m, struct fixture *f)
{
	struct simfs *sim = sim_of(f->o.fs);
	struct mark *k;

	/* What ended in a failure is not there. */
	if (store_failed(f->s) || !f->s->durable)
		return;
	k = MODEL_ADD(m, marks);
	/* In this order: what has ended by now was done before. */
	k->committed = store_committed(f->s);
	pthread_mutex_lock(&sim->lock);
	k->op = sim->ops_n;
	pthread_mutex_unlock(&sim->lock);
}

static inline const struct mark *
model_mark_at(const struct model *m, size_t op)
{
	const struct mark *k = &m->marks[0];

	for (size_t i = 0; i < m->marks_n && m->marks[i].op <= op; i++)
		k = &m->marks[i];
	return k;
}

/* ---- lives ---------------------------------------------------------------- */

static inline struct partlog *
life_attach(struct fixture *f, int slot, int topic)
{
	/* Two slots share a name: partitions 0 and 1 of it. */
	static const char *const names[SLOTS] = { "a", "b", "large", "a", "old",
		"keyed" };
	struct log_config c = test_config;

	c.segment_bytes = slot == SLOT_LARGE ? 60000 : 12000;
	c.segment_ms = INT64_MAX;
	c.index_interval_bytes = 512;
	c.max_message_bytes = 60000;
	if (slot == SLOT_RETENTION)
		c.retention_bytes = 30000;
	if (slot == SLOT_KEYED) {
		c.segment_bytes = 2000;
		c.compact = true;
		c.delete_old = false;
		c.delete_retention_ms = 20000;
	}
	return fixture_attach(f, names[slot], topic, slot == SLOT_TXN, &c);
}

static inline void
life_new_topic(struct life *x, struct model *m, struct fixture *f, int slot)
{
	x->topic[slot] = ++m->topics_n;
	m->asked_start[x->topic[slot]] = 0;
	if (!CHECK(m->topics_n < TOPICS))
		abort();
	CHECK(x->log[slot] = life_attach(f, slot, x->topic[slot]));
	model_set_topic(m, f, slot, x->topic[slot]);
	x->sequence[slot] = 0;
	if (slot == SLOT_TXN)
		x->open_txn = false;
}

static inline int
on_topic(void *arg, const struct log_record *r)
{
	char key[16] = "", value[16] = "";
	int *topics = arg;

	memcpy(key, r->key.data, r->key.len < 15 ? r->key.len : 15);
	memcpy(value, r->value.data, r->value.len < 15 ? r->value.len : 15);
	topics[strtol(key, NULL, 10)] = (int)strtol(value, NULL, 10);
	return 0;
}

static inline int
life_begin(struct life *x, struct fixture *f)
{
	memset(x, 0, sizeof(*x));
	if (fixture_open(f) < 0)
		return -1;
	if (partlog_scan(store_metadata(f->s), 0, on_topic, x->topic, &f->e))
		return -1;
	for (int i = 0; i < SLOTS; i++)
		if (x->topic[i] && !(x->log[i] = life_attach(f, i, x->topic[i])))
			return -1;
	return store_start(f->s, &f->e) < 0 || !fixture_settle(f) ? -1 : 0;
}

/* ---- looking -------------------------------------------------------------- */

/* What the markers in a log say. */
struct txn_state {
	struct { int64_t producer, first; } open[64];
	int open_n;
	struct aborted_txn aborted[4096];
	int aborted_n;
};

static inline void
txn_state_add(struct txn_state *t, const uint8_t *p, const struct batch *b)
{
	struct txn_marker m;
	int i;

	if (!(b->attributes & BATCH_TRANSACTIONAL))
		return;
	for (i = 0; i < t->open_n && t->open[i].producer != b->producer_id; i++)
		;
	if (!(b->attributes & BATCH_CONTROL)) {
		if (i == t->open_n && t->open_n < 64) {
			t->open[t->open_n].producer = b->producer_id;
			t->open[t->open_n++].first = b->base_offset;
		}
	} else if (CHECK(marker_read(p, b, &m)) && i < t->open_n) {
		if (!m.commit && t->aborted_n < 4096)
			t->aborted[t->aborted_n++] = (struct aborted_txn){
				b->producer_id, t->open[i].first, b->base_offset };
		t->open[i] = t->open[--t->open_n];
	}
}

static inline struct sent *
model_find(const struct model *m, int topic, const struct batch *h)
{
	for (size_t i = 0; i < m->sent_n; i++) {
		struct sent *s = &m->sent[i];

		if (s->topic == topic && s->base == h->base_offset &&
		    (s->marker ? (h->attributes & BATCH_CONTROL) : s->crc == h->crc))
			return s;
	}
	return NULL;
}

/*
 * Reads from `offset` to the end in pieces of random size: every batch is one
 * that was sent there, whole, one behind the other. fn may be NULL. The
 * newest batch, or NULL with CHECKs that failed.
 */
static inline const struct sent *
model_read(struct model *m, struct partlog *l, int topic, int64_t offset,
	void (*fn)(void *arg, struct sent *s, const uint8_t *p, const struct batch *b),
	void *arg)
{
	int64_t end = partlog_high_watermark(l);
	struct sent *s = NULL;

	while (offset < end) {
		struct wire_records r;
		struct buf b;
		struct batch h;
		bool ok;

		ok = CHECK_INT(partlog_read(l, offset, end, 1 + model_random(m, 5000),
			true, &r), 0) && CHECK(r.len > 0);
		if (!ok)
			return NULL;
		b = range_bytes(&r);
		for (size_t at = 0; ok && at < b.len; at += (size_t)h.size) {
			ok = CHECK(b.len - at >= BATCH_HEADER);
			if (!ok)
				break;
			batch_decode(b.data + at, &h);
			ok = CHECK(h.size >= BATCH_HEADER && at + (size_t)h.size <= b.len) &&
				CHECK(batch_crc_ok(b.data + at, &h)) &&
				CHECK(h.base_offset <= offset &&
					(s ? h.base_offset == offset :
					h.base_offset + h.last_offset_delta >= offset)) &&
				CHECK(s = model_find(m, topic, &h));
			if (!ok)
				printf("# topic %d at offset %" PRId64 ", of %" PRId64 "\n",
					topic, offset, end);
			offset = h.base_offset + h.last_offset_delta + 1;
			if (ok && fn)
				fn(arg, s, b.data + at, &h);
		}
		if (!b.len || !ok) {
			CHECK(b.len > 0);
			buf_release(&b);
			return NULL;
		}
		buf_release(&b);
	}
	return s;
}

static inline void
model_check_topics(struct model *m, const struct life *x, const struct mark *k)
{
	for (int i = 0; i < SLOTS; i++) {
		int v = m->versions_n[i] - 1, acked;

		while (v > 0 && m->versions[i][v].commit > k->committed)
			v--;
		for (acked = v; v >= 0 && v < m->versions_n[i] &&
		    m->versions[i][v].topic != x->topic[i]; v++)
			;
		if (!CHECK(v < m->versions_n[i] || (v < 0 && !x->topic[i])))
			printf("# slot %d has topic %d, acknowledged was %d\n", i,
				x->topic[i], m->versions[i][acked].topic);
	}
}

struct checked {
	struct model *m;
	int64_t *found; /* per sent batch: its offset was read */
	struct txn_state txn;
	struct { int64_t producer; int32_t next; } sequences[32];
	int sequences_n;
};

/* A producer's batches follow each other, from the log's start on. */
static inline void
check_sequence(struct checked *c, const struct batch *b)
{
	int i = 0;

	if (b->producer_id < 0 || (b->attributes & BATCH_CONTROL))
		return;
	while (i < c->sequences_n && c->sequences[i].producer != b->producer_id)
		i++;
	if (i < c->sequences_n)
		CHECK_INT(b->base_sequence, c->sequences[i].next);
	else if (i < 32)
		c->sequences[c->sequences_n++].producer = b->producer_id;
	if (i < 32)
		c->sequences[i].next = b->base_sequence + b->last_offset_delta + 1;
}

static inline void
on_batch(void *arg, struct sent *s, const uint8_t *p, const struct batch *b)
{
	struct checked *c = arg;

	CHECK(!c->found[s - c->m->sent]++);
	check_sequence(c, b);
	txn_state_add(&c->txn, p, b);
}

static inline int
by_first(const void *a, const void *b)
{
	const struct aborted_txn *x = a, *y = b;

	return x->first_offset < y->first_offset ? -1 : x->first_offset > y->first_offset;
}

static inline void
model_check_txns(struct partlog *l, struct txn_state *t)
{
	int64_t stable = partlog_high_watermark(l);
	struct arena a = { 0 };
	struct aborted_txn *list = NULL;
	int n = 0;

	for (int i = 0; i < t->open_n; i++)
		if (t->open[i].first < stable)
			stable = t->open[i].first;
	CHECK_INT(partlog_last_stable(l), stable);
	CHECK_INT(partlog_aborted(l, partlog_start(l), partlog_end(l), &a, &list, &n), 0);
	qsort(t->aborted, (size_t)t->aborted_n, sizeof(*t->aborted), by_first);
	CHECK_INT(n, t->aborted_n);
	for (int i = 0; i < n && i < t->aborted_n; i++)
		if (!CHECK(list[i].producer_id == t->aborted[i].producer_id) ||
		    !CHECK_INT(list[i].first_offset, t->aborted[i].first_offset) ||
		    !CHECK_INT(list[i].last_offset, t->aborted[i].last_offset))
			break;
	arena_release(&a);
}

/* The producer of the newest batch sends it again, and then with a gap. */
static inline void
model_check_producer(struct partlog *l, const struct sent *last)
{
	struct sent gap = *last;
	struct append_result r;
	struct buf b = model_batch(last);

	r = append_buf(l, &b);
	CHECK(r.duplicate);
	CHECK_INT(r.base_offset, last->base);
	buf_release(&b);
	gap.sequence += last->count + 1;
	b = model_batch(&gap);
	r = append_buf(l, &b);
	CHECK_INT(r.error, KERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	buf_release(&b);
}

/* k NULL: all that the model has was acknowledged. */
static inline void
model_check_log(struct model *m, const struct life *x, int slot, const struct mark *k)
{
	struct partlog *l = x->log[slot];
	uint64_t committed = k ? k->committed : WITH_THE_END;
	int64_t start = partlog_start(l);
	struct checked *c = xcalloc(1, sizeof(*c));
	const struct sent *last;

	c->m = m;
	c->found = xcalloc(m->sent_n + 1, sizeof(*c->found));
	CHECK_INT(partlog_high_watermark(l), partlog_end(l));
	CHECK(start <= partlog_last_stable(l) || slot == SLOT_RETENTION);
	CHECK(partlog_last_stable(l) <= partlog_high_watermark(l));
	for (size_t i = 0; i < m->starts_n; i++)
		if (m->starts[i].topic == x->topic[slot] &&
		    m->starts[i].commit <= committed &&
		    !CHECK(start >= m->starts[i].offset))
			printf("# slot %d, topic %d starts at %" PRId64 " and ends at %"
				PRId64 "; %" PRId64 " was acknowledged in commit %"
				PRIu64 " of %" PRIu64 "\n", slot, x->topic[slot], start,
				partlog_end(l), m->starts[i].offset,
				m->starts[i].commit, committed);
	if (slot != SLOT_RETENTION && !CHECK(start <= m->asked_start[x->topic[slot]]))
		printf("# slot %d starts at %" PRId64 ", asked for was %" PRId64 "\n",
			slot, start, m->asked_start[x->topic[slot]]);
	last = model_read(m, l, x->topic[slot], start, on_batch, c);
	for (size_t i = 0; i < m->sent_n; i++) {
		const struct sent *s = &m->sent[i];

		if (s->topic == x->topic[slot] && s->commit <= committed &&
		    s->base >= start && !c->found[i]) {
			CHECK(!"what was acknowledged is there");
			printf("# topic %d: offsets %" PRId64 " to %" PRId64 ", commit %"
				PRIu64 " of %" PRIu64 "; the log has %" PRId64 " to %"
				PRId64 "\n", s->topic, s->base, s->end, s->commit,
				committed, start, partlog_end(l));
			break;
		}
	}
	if (slot == SLOT_TXN)
		model_check_txns(l, &c->txn);
	if (last && last->producer >= 0)
		model_check_producer(l, last);
	free(c->found);
	free(c);
}

/* From an offset in the middle. */
static inline void
model_check_read(struct model *m, const struct life *x, int slot)
{
	struct partlog *l = x->log[slot];
	int64_t n = partlog_end(l) - partlog_start(l);

	if (n)
		model_read(m, l, x->topic[slot], partlog_start(l) +
			model_random(m, (uint32_t)n), NULL, NULL);
}

static inline void
mark_found(void *arg, struct sent *s, const uint8_t *p, const struct batch *b)
{
	(void)arg, (void)p, (void)b;
	if (s->commit == UNKNOWN)
		s->commit = WITH_THE_END;
}

/* ---- the compacted one ------------------------------------------------------ */

static inline void
model_send_keyed(struct model *m, struct partlog *l, int topic)
{
	int n = 1 + (int)model_random(m, 4);
	struct batch_builder b;
	struct append_result r;
	struct keyed k[4];

	batch_begin(&b);
	for (int i = 0; i < n; i++) {
		char value[40];

		k[i] = (struct keyed){ .topic = topic, .key = (char)('a' +
			model_random(m, KEYS)), .serial = ++m->serial };
		if (!model_random(m, 6))
			k[i].serial = 0;
		snprintf(value, sizeof(value), "%u", k[i].serial);
		batch_add(&b, T0, slice_make(&k[i].key, 1), k[i].serial ?
			slice_str(value) : SLICE_NULL);
	}
	batch_finish(&b);
	partlog_append(l, b.out.data, b.out.len, APPEND_CLIENT, &r);
	for (int i = 0; i < n && !r.error; i++) {
		k[i].offset = r.base_offset + i;
		k[i].commit = model_commit(l->store);
		*MODEL_ADD(m, keyed) = k[i];
	}
	buf_release(&b.out);
}

struct keyed_seen {
	struct model *m;
	int topic;
	int64_t last, newest[KEYS];
};

static inline int
on_keyed(void *arg, const struct log_record *r)
{
	struct keyed_seen *x = arg;
	struct keyed *k = NULL;
	char value[40];

	CHECK(r->offset > x->last);
	x->last = r->offset;
	for (size_t i = 0; i < x->m->keyed_n && !k; i++)
		if (x->m->keyed[i].topic == x->topic && x->m->keyed[i].offset == r->offset &&
		    r->key.len == 1 && !memcmp(r->key.data, &x->m->keyed[i].key, 1))
			k = &x->m->keyed[i];
	if (!CHECK(k))
		return 1;
	snprintf(value, sizeof(value), "%u", k->serial);
	CHECK(k->serial ? slice_eq(r->value, slice_str(value)) : !r->value.data);
	x->newest[k->key - 'a'] = r->offset;
	k->found = true;
	return 0;
}

/* Of every key the newest that the log may have is there, or was a tombstone. */
static inline void
model_check_keyed(struct model *m, struct partlog *l, int topic, uint64_t committed)
{
	struct keyed_seen x = { .m = m, .topic = topic, .last = -1 };
	const struct keyed *newest[KEYS] = { NULL };
	struct err e = ERR_INIT;

	memset(x.newest, -1, sizeof(x.newest));
	for (size_t i = 0; i < m->keyed_n; i++)
		m->keyed[i].found = false;
	CHECK_INT(partlog_high_watermark(l), partlog_end(l));
	if (!CHECK_INT(partlog_scan(l, 0, on_keyed, &x, &e), 0))
		printf("# keyed: %s\n", e.msg);
	for (size_t i = 0; i < m->keyed_n; i++) {
		const struct keyed *k = &m->keyed[i];

		if (k->topic != topic || (m->holes && k->commit > committed && !k->found))
			continue;
		if (k->commit <= committed && !CHECK(k->offset < partlog_end(l))) {
			printf("# keyed: commit %" PRIu64 " of %" PRIu64 ", offset %"
				PRId64 ", end %" PRId64 "\n", k->commit, committed,
				k->offset, partlog_end(l));
			return;
		}
		if (k->offset < partlog_end(l) && (!newest[k->key - 'a'] ||
		    newest[k->key - 'a']->offset < k->offset))
			newest[k->key - 'a'] = k;
	}
	for (int i = 0; i < KEYS; i++)
		if (newest[i] && (newest[i]->serial || x.newest[i] >= 0))
			CHECK_INT(x.newest[i], newest[i]->offset);
}

static inline void
model_check(struct model *m, const struct life *x, int slot, const struct mark *k)
{
	if (!x->log[slot])
		return;
	if (slot == SLOT_KEYED)
		model_check_keyed(m, x->log[slot], x->topic[slot],
			k ? k->committed : WITH_THE_END);
	else
		model_check_log(m, x, slot, k);
}

/* ---- from one life to the next ---------------------------------------------- */

/* The life ended; what had ended of its commits by this mark is there. */
static inline void
model_end_life(struct model *m, const struct mark *k)
{
	for (size_t i = 0; i < m->sent_n; i++)
		m->sent[i].commit = m->sent[i].commit <= k->committed ? 0 : UNKNOWN;
	for (size_t i = 0; i < m->keyed_n; i++)
		m->keyed[i].commit = m->keyed[i].commit <= k->committed ? 0 : UNKNOWN;
	for (size_t i = 0; i < m->starts_n; i++)
		m->starts[i].commit = m->starts[i].commit <= k->committed ? 0 : UNKNOWN;
	for (int i = 0; i < SLOTS; i++)
		for (int v = 0; v < m->versions_n[i]; v++)
			m->versions[i][v].commit = m->versions[i][v].commit <=
				k->committed ? 0 : UNKNOWN;
	m->marks_n = 0;
}

static inline bool
life_has(const struct life *x, int topic)
{
	for (int i = 0; i < SLOTS; i++)
		if (x->topic[i] == topic)
			return true;
	return false;
}

/* Is the topic there, or may its deletion be taken back? */
static inline bool
model_has(const struct model *m, int topic)
{
	for (int i = 0; i < SLOTS; i++)
		for (int v = 0; v < m->versions_n[i]; v++)
			if (m->versions[i][v].topic == topic)
				return true;
	return false;
}

/* From the one that was acknowledged to the one that is there. */
static inline void
adopt_version(struct model *m, int slot, int topic, uint64_t seen)
{
	struct version *v = m->versions[slot];
	int from = m->versions_n[slot] - 1, to;

	while (from > 0 && v[from].commit)
		from--;
	for (to = m->versions_n[slot] - 1; to > from && v[to].topic != topic; to--)
		;
	m->versions_n[slot] = to - (from < 0 ? 0 : from) + 1;
	if (from > 0)
		memmove(v, v + from, (size_t)m->versions_n[slot] * sizeof(*v));
	if (from == to)
		m->versions_n[slot] = 1;
	v[m->versions_n[slot] - 1] = (struct version){ topic, from == to ? 0 : seen };
}

/*
 * What is there after a start has been seen, and is there from `seen` on;
 * what is not there is forgotten.
 */
static inline void
model_adopt(struct model *m, const struct life *x, uint64_t seen)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->sent_n; i++)
		if (m->sent[i].commit)
			m->sent[i].commit = UNKNOWN;
	for (size_t i = 0; i < m->starts_n; i++)
		if (!m->starts[i].commit)
			m->starts[kept++] = m->starts[i];
	m->starts_n = kept;
	kept = 0;
	for (int i = 0; i < SLOTS; i++) {
		adopt_version(m, i, x->topic[i], seen);
		if (!x->log[i] || i == SLOT_KEYED)
			continue;
		model_read(m, x->log[i], x->topic[i], partlog_start(x->log[i]),
			mark_found, NULL);
		model_note_start(m, x->topic[i], partlog_start(x->log[i]), seen);
	}
	for (size_t i = 0; i < m->sent_n; i++) {
		struct sent *s = &m->sent[i];

		if (!model_has(m, s->topic) || (s->commit == UNKNOWN &&
		    life_has(x, s->topic)))
			continue;
		if (s->commit == WITH_THE_END)
			s->commit = seen;
		m->sent[kept++] = *s;
	}
	m->sent_n = kept;
	kept = 0;
	for (size_t i = 0; i < m->keyed_n; i++) {
		struct keyed *k = &m->keyed[i];

		if (!model_has(m, k->topic) || (k->topic == x->topic[SLOT_KEYED] &&
		    (k->offset >= partlog_end(x->log[SLOT_KEYED]) ||
		    (m->holes && k->commit && !k->found))))
			continue;
		if (k->commit)
			k->commit = k->topic == x->topic[SLOT_KEYED] ? seen : UNKNOWN;
		m->keyed[kept++] = *k;
	}
	m->keyed_n = kept;
	m->holes = false;
}

#endif
