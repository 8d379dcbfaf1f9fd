/*
 * append.c - the write path: check a batch, give it its place in the log,
 * hand the bytes to the page cache, and note them for the next commit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "store/state.h"
#include "store/validate.h"
#include "wire/errors.h"

enum {
	SCRATCH_MAX = 4 << 20, /* bytes of scratch that are worth keeping */
	HEAVY_BYTES = 4 << 10, /* of a packed batch: it may unpack to a thousand times as much */
};

/* Has the active segment become too old? Compaction cannot touch it before. */
static bool
is_old(const struct partlog *l, int64_t age)
{
	int64_t max = l->config.segment_ms;

	if (l->config.compact && l->config.max_compaction_lag_ms > 0 &&
	    l->config.max_compaction_lag_ms < max)
		max = l->config.max_compaction_lag_ms;
	return age > max - l->jitter_ms;
}

/* Kafka's indexes have a fixed room. */
static bool
has_full_index(const struct partlog *l, const struct segment *g)
{
	int64_t room = l->config.segment_index_bytes;

	return room && ((int64_t)index_count(&g->offsets) >= room / OFFSET_ENTRY ||
		(int64_t)index_count(&g->times) + 1 >= room / TIME_ENTRY);
}

/* Must a new segment be begun for this batch? */
static bool
is_full(const struct partlog *l, const struct segment *g, const struct batch *b,
	int64_t now)
{
	int64_t since = g->first_timestamp >= 0 ? g->first_timestamp : now;
	int64_t until = g->first_timestamp >= 0 && b->max_timestamp >= 0 ?
		b->max_timestamp : now;

	if (!g->size)
		return false;
	return g->size + b->size > l->config.segment_bytes ||
		l->end + b->last_offset_delta - g->base > INT32_MAX ||
		has_full_index(l, g) || is_old(l, until - since);
}

/* Bytes at the end of the active segment; a fault leaves no trace. */
static int
write_batch(struct segment *g, const uint8_t *p, size_t n)
{
	const struct fs *fs = g->store->fs;
	int saved;

	if (segment_open(g, false) < 0)
		return -1;
	segment_reserve(g, g->size + (int64_t)n);
	if (!fs_write_all(fs, g->file.fd, p, n, g->size))
		return 0;
	saved = errno;
	fs->ftruncate(fs, g->file.fd, g->size);
	g->allocated = 0;
	g->dirty = true; /* until that is on disk */
	partlog_touch(g->log);
	errno = saved;
	return -1;
}

static void
note_tail(struct partlog *l, const struct batch *b, int64_t pos)
{
	struct tail *t = l->tail;

	if (!t)
		t = l->tail = xcalloc(1, sizeof(*t));
	t->offset[t->n % TAIL_RING] = b->base_offset;
	t->pos[t->n % TAIL_RING] = pos;
	t->n++;
}

/*
 * flush.messages and flush.ms: records that are visible before they are on
 * disk (fsync interval and never) get there sooner than --fsync says.
 */
static void
note_flush(struct partlog *l, int32_t records, int64_t now)
{
	const struct log_config *c = &l->config;
	struct store *s = l->store;

	if (!s->visible_at_once || s->o.ephemeral || !c->flush_messages)
		return;
	if (!l->unflushed)
		l->unflushed_since = now;
	l->unflushed += records;
	if (l->unflushed < c->flush_messages && now - l->unflushed_since < c->flush_ms)
		return;
	l->unflushed = 0;
	turn_force(s);
}

/* The batch is in the segment: everything that knows the log's end learns it. */
static void
advance(struct partlog *l, struct segment *g, const struct batch *b,
	const uint8_t *bytes, int64_t now)
{
	int64_t pos = g->size;

	partlog_added(l, g, b, bytes, now);
	note_tail(l, b, pos);
	l->traffic.appends++;
	l->traffic.records_in += (uint64_t)b->last_offset_delta + 1;
	l->traffic.bytes_in += (uint64_t)b->size;
	if (!g->dirty) {
		g->dirty = true;
		partlog_touch(l);
	}
	if (l->store->durable)
		commit_note_batch(l, g, pos, bytes, b);
	note_flush(l, b->last_offset_delta + 1, now);
	if (l->store->visible_at_once) {
		partlog_set_hw(l, l->end, g->base, g->size);
		partlog_moved(l);
	}
}

static int16_t
place(struct partlog *l, struct candidate *c, int64_t now)
{
	struct segment *g = partlog_active(l);
	struct store *s = l->store;

	if ((!g || is_full(l, g, &c->b, now)) && partlog_roll(l) < 0) {
		store_complain(s, l, "begin a segment");
		return KERR_KAFKA_STORAGE_ERROR;
	}
	g = partlog_active(l);
	be64_put(c->bytes, (uint64_t)l->end);
	be32_put(c->bytes + 12, 0); /* leader epoch */
	c->b.base_offset = l->end;
	if (write_batch(g, c->bytes, (size_t)c->b.size) < 0) {
		store_complain(s, l, "append");
		return KERR_KAFKA_STORAGE_ERROR;
	}
	advance(l, g, &c->b, c->bytes, now);
	return KERR_NONE;
}

/* What a batch unpacked to may have been large: that is not kept. */
static void
trim_scratch(struct buf *b)
{
	if (b->cap > SCRATCH_MAX)
		buf_release(b);
}

static int16_t
check_sequence(struct partlog *l, const struct candidate *c, struct append_result *r)
{
	int64_t duplicate;
	int16_t error = producers_check(&l->producers, &c->b, &duplicate, &r->message);

	if (!error && duplicate >= 0) {
		r->duplicate = true;
		r->base_offset = duplicate;
	}
	return error;
}

static int16_t
check(struct partlog *l, struct candidate *c, size_t len,
	enum append_origin origin, int64_t now, struct append_result *r)
{
	int16_t error;

	if (origin == APPEND_COORDINATOR)
		batch_decode(c->bytes, &c->b);
	else if ((error = candidate_check(c, len, &l->config, now, r)))
		return error;
	return check_sequence(l, c, r);
}

/* What was checked goes into the log. */
static void
append(struct partlog *l, struct candidate *c, int64_t now, struct append_result *r)
{
	struct store *s = l->store;

	if (!r->duplicate) {
		r->error = place(l, c, now);
		if (r->error)
			return;
		r->base_offset = c->b.base_offset;
	}
	if (l->config.append_time)
		r->append_time = now;
	/* A duplicate waits for the commit that its first copy is in, or a later one. */
	if (s->durable && !s->visible_at_once)
		r->commit = commit_newest(s);
	if (s->o.fsync == FSYNC_ALWAYS && !r->duplicate && s->durable)
		turn_push_commit(s);
}

void
partlog_append(struct partlog *l, uint8_t *batch, size_t len,
	enum append_origin origin, struct append_result *r)
{
	struct store *s = l->store;
	struct candidate c = { .bytes = batch, .unpacked = &s->unpacked,
		.repacked = &s->repacked, .bad = &s->bad };
	int64_t now = clock_wall_ms(s->o.clock);

	*r = (struct append_result){ .base_offset = -1, .append_time = -1 };
	if (s->failed || l->detached) {
		r->error = KERR_KAFKA_STORAGE_ERROR;
		return;
	}
	r->error = check(l, &c, len, origin, now, r);
	if (!r->error)
		append(l, &c, now, r);
	trim_scratch(&s->unpacked);
	trim_scratch(&s->repacked);
}

/* ---- in two steps --------------------------------------------------------- */

struct append_check {
	struct candidate c;
	size_t len;
	struct log_config config;
	int64_t now;
	struct append_result r;
	struct buf unpacked, repacked, bad;
};

bool
partlog_is_heavy(const uint8_t *batch, size_t len)
{
	struct batch b;

	if (len < BATCH_HEADER || len <= HEAVY_BYTES)
		return false;
	batch_decode(batch, &b);
	return (b.attributes & BATCH_CODEC_MASK) != CODEC_NONE;
}

struct append_check *
append_check_new(const struct partlog *l, uint8_t *batch, size_t len)
{
	struct append_check *k = xcalloc(1, sizeof(*k));

	k->c = (struct candidate){ .bytes = batch, .unpacked = &k->unpacked,
		.repacked = &k->repacked, .bad = &k->bad };
	k->len = len;
	k->config = l->config;
	k->now = clock_wall_ms(l->store->o.clock);
	k->r = (struct append_result){ .base_offset = -1, .append_time = -1 };
	return k;
}

void
append_check_run(struct append_check *k)
{
	k->r.error = candidate_check(&k->c, k->len, &k->config, k->now, &k->r);
	buf_release(&k->unpacked);
	if (k->r.error)
		buf_release(&k->repacked);
}

void
append_check_free(struct append_check *k)
{
	buf_release(&k->unpacked);
	buf_release(&k->repacked);
	buf_release(&k->bad);
	free(k);
}

void
partlog_append_checked(struct partlog *l, struct append_check *k,
	struct append_result *r)
{
	*r = k->r;
	if (!r->error && (l->store->failed || l->detached))
		r->error = KERR_KAFKA_STORAGE_ERROR;
	if (!r->error)
		r->error = check_sequence(l, &k->c, r);
	if (!r->error)
		append(l, &k->c, k->now, r);
}

void
partlog_append_marker(struct partlog *l, const struct txn_marker *m,
	struct append_result *r)
{
	struct store *s = l->store;
	struct txn_marker written = *m;
	struct batch_builder bb;
	struct candidate c = { 0 };
	int64_t now = clock_wall_ms(s->o.clock);

	*r = (struct append_result){ .base_offset = -1, .append_time = -1 };
	if (s->failed || l->detached) {
		r->error = KERR_KAFKA_STORAGE_ERROR;
		return;
	}
	if (m->coordinator_epoch == MARKER_OURS)
		written.coordinator_epoch = producers_coordinator_epoch(&l->producers,
			m->producer_id);
	r->error = producers_check_marker(&l->producers, &written, &r->message);
	if (r->error)
		return;
	marker_write(&written, now, l->config.append_time, &bb);
	c.bytes = bb.out.data;
	batch_decode(c.bytes, &c.b);
	append(l, &c, now, r);
	buf_release(&bb.out);
}
