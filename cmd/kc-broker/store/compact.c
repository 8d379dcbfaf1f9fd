#include "store/compact.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/validate.h"

enum {
	READ_BYTES = 256 << 10,  /* at once, or one batch */
	WRITE_BYTES = 256 << 10,
	SYNC_BYTES = 4 << 20,    /* written, then synced: the disk is never flooded */
	PATH_BYTES = 4096,
};

void
compact_init(struct compact *c, const struct fs *fs, size_t max_bytes)
{
	*c = (struct compact){ .fs = fs };
	keymap_init(&c->map, max_bytes);
}

void
compact_release(struct compact *c)
{
	keymap_release(&c->map);
	free(c->dir);
	free(c->sources);
	free(c->aborted);
	free(c->producers);
	free(c->open);
	buf_release(&c->in);
	buf_release(&c->out);
	buf_release(&c->unpacked);
	buf_release(&c->kept);
	buf_release(&c->packed);
}

void
compact_result_release(struct compact_result *r, const struct fs *fs)
{
	index_release(&r->offsets, fs);
	index_release(&r->times, fs);
}

/* ---- reading a segment -------------------------------------------------- */

struct source {
	struct compact *c;
	const struct compact_source *s;
	int fd;
	int64_t pos;    /* of the next batch */
	int64_t at;     /* of c->in */
	char path[PATH_BYTES];
};

static int
source_open(struct source *x, struct compact *c, const struct compact_source *s,
	struct err *e)
{
	const struct fs *fs = c->fs;

	*x = (struct source){ .c = c, .s = s };
	snprintf(x->path, sizeof(x->path), "%s/%020" PRId64 ".log", c->dir, s->base);
	x->fd = fs->open(fs, x->path, O_RDONLY);
	c->in.len = 0;
	if (x->fd >= 0)
		return 0;
	return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		"cannot open '%s'", x->path);
}

static int
pace(struct compact *c, size_t bytes, struct err *e)
{
	if (c->pace && c->pace(c->pace_arg, bytes))
		return err_set(e, ERR_TEMPORARY, "stopped");
	return 0;
}

/* n bytes at the position, in c->in. */
static int
look(struct source *x, size_t n, struct err *e)
{
	struct compact *c = x->c;
	size_t want = n > READ_BYTES ? n : READ_BYTES;
	int64_t left = x->s->size - x->pos;

	if (x->pos >= x->at && x->pos + (int64_t)n <= x->at + (int64_t)c->in.len)
		return 0;
	if ((int64_t)want > left)
		want = (size_t)left;
	buf_clear(&c->in);
	x->at = x->pos;
	if (fs_read_all(c->fs, x->fd, buf_reserve(&c->in, want), want, x->pos) < 0)
		return err_errno(e, ERR_IO, "cannot read '%s'", x->path);
	c->in.len = want;
	return pace(c, want, e);
}

static int
damaged(struct source *x, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s' is damaged at byte %" PRId64, x->path,
		x->pos);
}

/* The next batch, whole, at *p: 1, 0 = the end, -1. */
static int
source_next(struct source *x, const uint8_t **p, struct batch *b, struct err *e)
{
	int64_t left = x->s->size - x->pos;

	if (!left)
		return 0;
	if (left < BATCH_HEADER)
		return damaged(x, e);
	if (look(x, BATCH_HEADER, e) < 0)
		return -1;
	batch_decode(x->c->in.data + (x->pos - x->at), b);
	if (b->magic != 2 || b->size < BATCH_HEADER || b->size > left ||
	    b->base_offset < x->s->base || b->last_offset_delta < 0 ||
	    b->base_offset + b->last_offset_delta >= x->s->end)
		return damaged(x, e);
	if (look(x, (size_t)b->size, e) < 0)
		return -1;
	*p = x->c->in.data + (x->pos - x->at);
	if (!batch_crc_ok(*p, b))
		return damaged(x, e);
	x->pos += b->size;
	return 1;
}

/* ---- the map ------------------------------------------------------------ */

/* 1, 0 = there is no more room, -1 */
static int
map_batch(struct compact *c, const uint8_t *p, const struct batch *b, struct err *e)
{
	struct batch_record r;
	struct slice left;
	int got;

	if (batch_open(p, b, BATCH_UNPACKED_MAX, &c->unpacked, &left, e) < 0)
		return -1;
	while ((got = batch_next(b, &left, &r)) == 1)
		if (r.key.data && r.offset >= c->dirty &&
		    !keymap_put(&c->map, r.key, r.offset))
			return 0;
	return got < 0 ? err_set(e, ERR_CORRUPT, "a record of the batch at offset %"
		PRId64 " is damaged", b->base_offset) : 1;
}

/* 1, 0 = there is no more room, -1 */
static int
map_segment(struct compact *c, const struct compact_source *s, struct err *e)
{
	struct source x;
	const uint8_t *p;
	struct batch b;
	int got;

	if (source_open(&x, c, s, e) < 0)
		return -1;
	while ((got = source_next(&x, &p, &b, e)) == 1) {
		int64_t last = b.base_offset + b.last_offset_delta;

		if (last < c->dirty)
			continue;
		got = 1;
		if (!compact_is_void(c, p, &b) && !(b.attributes & BATCH_CONTROL))
			got = map_batch(c, p, &b, e);
		if (got < 1)
			goto out;
		c->latest = last;
	}
	/* What is missing at its end is known as well. */
	if (!got && s->end - 1 > c->latest)
		c->latest = s->end - 1;
	got = got < 0 ? -1 : 1;
out:
	c->fs->close(c->fs, x.fd);
	return got;
}

int
compact_map(struct compact *c, struct err *e)
{
	int got = 1;

	compact_forget(c);
	c->latest = c->dirty - 1;
	for (int i = 0; i < c->sources_n && got == 1; i++)
		if (c->sources[i].end > c->dirty)
			got = map_segment(c, &c->sources[i], e);
	compact_forget(c);
	c->end = c->latest + 1;
	return got < 0 ? -1 : 0;
}

/* ---- groups ------------------------------------------------------------- */

/* At most so many bytes an index of the segment takes. */
static int64_t
index_need(const struct compact *c, int64_t size, size_t entry)
{
	int64_t step = c->index_interval_bytes > BATCH_HEADER ?
		c->index_interval_bytes : BATCH_HEADER;

	return (size / step + 1) * (int64_t)entry;
}

/* Sources from c->next on that fit into one segment. */
static int
group_size(const struct compact *c)
{
	const struct compact_source *first = &c->sources[c->next];
	int64_t size = first->size;
	int n = 1;

	for (; c->next + n < c->sources_n; n++) {
		const struct compact_source *s = &c->sources[c->next + n];

		if (s->base >= c->end || size + s->size > c->segment_bytes ||
		    (c->index_bytes && index_need(c, size + s->size,
				TIME_ENTRY) > c->index_bytes) ||
		    s->end - 1 - first->base > INT32_MAX)
			break;
		size += s->size;
	}
	return n;
}

/* ---- writing a segment -------------------------------------------------- */

struct target {
	struct compact *c;
	struct compact_result *r;
	int fd;
	int64_t base, synced;
	int64_t pos;            /* of what is in c->out */
	int64_t entry_timestamp;
	char path[PATH_BYTES];
};

static int
target_open(struct target *t, struct compact *c, struct compact_result *r,
	struct err *e)
{
	*t = (struct target){ .c = c, .r = r, .base = c->sources[c->next].base,
		.entry_timestamp = -1 };
	snprintf(t->path, sizeof(t->path), "%s/%020" PRId64 ".log.cleaned", c->dir,
		t->base);
	buf_clear(&c->out);
	t->fd = c->fs->open(c->fs, t->path, O_WRONLY | O_CREAT | O_TRUNC);
	return t->fd < 0 ? err_errno(e, ERR_IO, "cannot make '%s'", t->path) : 0;
}

static int
target_flush(struct target *t, bool sync, struct err *e)
{
	struct compact *c = t->c;
	size_t n = c->out.len;

	if (fs_write_all(c->fs, t->fd, c->out.data, n, t->pos) < 0)
		return err_errno(e, ERR_IO, "cannot write '%s'", t->path);
	t->pos += (int64_t)n;
	buf_clear(&c->out);
	if (sync || t->pos - t->synced >= SYNC_BYTES) {
		if (c->fs->fdatasync(c->fs, t->fd) < 0)
			return err_errno(e, ERR_IO, "cannot sync '%s'", t->path);
		t->synced = t->pos;
	}
	return pace(c, n, e);
}

static void
add_time_entry(struct target *t)
{
	struct compact_result *r = t->r;

	if (r->max_timestamp <= t->entry_timestamp)
		return;
	index_add_time(&r->times, r->max_timestamp,
		(uint32_t)(r->max_timestamp_offset - t->base));
	t->entry_timestamp = r->max_timestamp;
}

/* The batch at the end of c->out is part of the segment. */
static void
target_added(struct target *t, const struct batch *b)
{
	struct compact_result *r = t->r;
	int64_t last = b->base_offset + b->last_offset_delta;

	if (!r->size)
		r->first_timestamp = b->max_timestamp;
	if (b->max_timestamp > r->max_timestamp) {
		r->max_timestamp = b->max_timestamp;
		r->max_timestamp_offset = last;
	}
	if (r->since_entry > t->c->index_interval_bytes) {
		index_add_offset(&r->offsets, (uint32_t)(last - t->base),
			(uint32_t)r->size);
		add_time_entry(t);
		r->since_entry = 0;
	}
	r->since_entry += b->size;
	r->size += b->size;
}

static int
clean_segment(struct target *t, const struct compact_source *s, struct err *e)
{
	struct compact *c = t->c;
	struct source x;
	struct batch b, kept;
	const uint8_t *p;
	bool same;
	int got;

	if (source_open(&x, c, s, e) < 0)
		return -1;
	while ((got = source_next(&x, &p, &b, e)) == 1) {
		if (compact_filter(c, p, &b, &kept, &same, e) < 0) {
			err_wrap(e, "'%s'", x.path);
			got = -1;
			break;
		}
		t->r->same &= same;
		if (kept.size)
			target_added(t, &kept);
		if (c->out.len >= WRITE_BYTES && target_flush(t, false, e) < 0) {
			got = -1;
			break;
		}
	}
	c->fs->close(c->fs, x.fd);
	c->read += s->size;
	return got;
}

int
compact_next(struct compact *c, struct compact_result *r, struct err *e)
{
	struct target t;
	int result = 0;

	if (c->next >= c->sources_n || c->sources[c->next].base >= c->end)
		return 0;
	*r = (struct compact_result){ .first = c->next, .n = group_size(c),
		.first_timestamp = -1, .max_timestamp = -1,
		.max_timestamp_offset = -1 };
	r->same = r->n == 1;
	index_init(&r->offsets, OFFSET_ENTRY, 0);
	index_init(&r->times, TIME_ENTRY, 0);
	if (target_open(&t, c, r, e) < 0)
		return -1;
	for (int i = 0; i < r->n && !result; i++)
		result = clean_segment(&t, &c->sources[r->first + i], e);
	if (!result && !r->same)
		result = target_flush(&t, true, e);
	add_time_entry(&t);
	c->fs->close(c->fs, t.fd);
	if (result < 0 || r->same)
		c->fs->unlink(c->fs, t.path);
	if (result < 0) {
		compact_result_release(r, c->fs);
		return -1;
	}
	c->next += r->n;
	c->written += r->size;
	return 1;
}
