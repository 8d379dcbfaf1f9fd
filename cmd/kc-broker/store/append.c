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

enum { SCRATCH_MAX = 4 << 20 }; /* bytes of scratch that are worth keeping */

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
		until - since > l->config.segment_ms;
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

/* The batch is in the segment: everything that knows the log's end learns it. */
static void
advance(struct partlog *l, struct segment *g, const struct batch *b, int64_t now)
{
	int64_t pos = g->size;

	segment_added(g, b, l->config.index_interval_bytes);
	producers_add(&l->producers, b, now);
	note_tail(l, b, pos);
	l->end = b->base_offset + b->last_offset_delta + 1;
	if (!g->dirty) {
		g->dirty = true;
		partlog_touch(l);
	}
	if (l->store->durable)
		commit_note(l, g, pos, b->size, b->base_offset, l->end);
	if (l->store->visible_at_once) {
		l->hw = l->end;
		l->hw_base = g->base;
		l->hw_pos = g->size;
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
	advance(l, g, &c->b, now);
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
check(struct partlog *l, struct candidate *c, size_t len,
	enum append_origin origin, int64_t now, struct append_result *r)
{
	int64_t duplicate;
	int16_t error;

	if (origin == APPEND_COORDINATOR) {
		batch_decode(c->bytes, &c->b);
		return KERR_NONE;
	}
	if ((error = candidate_check(c, len, &l->config, now, r)) ||
	    (error = producers_check(&l->producers, &c->b, &duplicate, &r->message)))
		return error;
	if (duplicate >= 0) {
		r->duplicate = true;
		r->base_offset = duplicate;
	}
	return KERR_NONE;
}

void
partlog_append(struct partlog *l, uint8_t *batch, size_t len,
	enum append_origin origin, struct append_result *r)
{
	struct store *s = l->store;
	struct candidate c = { .bytes = batch, .unpacked = &s->unpacked,
		.repacked = &s->repacked };
	int64_t now = clock_wall_ms(s->o.clock);

	*r = (struct append_result){ .base_offset = -1, .append_time = -1,
		.bad_record = -1 };
	if (s->failed || l->detached) {
		r->error = KERR_KAFKA_STORAGE_ERROR;
		return;
	}
	r->error = check(l, &c, len, origin, now, r);
	if (!r->error && !r->duplicate) {
		r->error = place(l, &c, now);
		if (!r->error)
			r->base_offset = c.b.base_offset;
	}
	trim_scratch(&s->unpacked);
	trim_scratch(&s->repacked);
	if (r->error)
		return;
	if (l->config.append_time)
		r->append_time = now;
	/* A duplicate waits for the commit that its first copy is in, or a later one. */
	if (s->durable && !s->visible_at_once)
		r->commit = commit_newest(s);
	if (s->o.fsync == FSYNC_ALWAYS && !r->duplicate && s->durable)
		turn_push_commit(s);
}
