/*
 * read.c - the read path: ranges of whole batches for fetches, offsets by
 * time, and the scan that loads an internal log.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "store/state.h"
#include "store/validate.h"
#include "wire/errors.h"

/* EAGAIN is an index that is made again, and nothing else where errno was 0 before. */
static int16_t
storage_error(struct partlog *l)
{
	if (errno == EAGAIN)
		return KERR_OFFSET_NOT_AVAILABLE;
	store_complain(l->store, l, "read");
	return KERR_KAFKA_STORAGE_ERROR;
}

/* ---- ranges ------------------------------------------------------------- */

/*
 * The batch that holds offset, if it is among the newest ones: true with its
 * position. Readers of the tail never need more than this.
 */
static bool
find_in_tail(const struct partlog *l, int64_t offset, int64_t *pos)
{
	const struct tail *t = l->tail;
	unsigned n = !t ? 0 : t->n < TAIL_RING ? t->n : TAIL_RING;

	for (unsigned i = 1; i <= n; i++) {
		unsigned k = (t->n - i) % TAIL_RING;

		if (t->offset[k] <= offset) {
			*pos = t->pos[k];
			return true;
		}
	}
	return false;
}

/* Position of `limit` in the segment, the end of what may be read there. */
static int
limit_pos(struct partlog *l, int i, int64_t limit, int64_t *end)
{
	struct segment *g = l->segments[i];
	struct batch b;
	int got;

	*end = g->size;
	if (limit >= partlog_segment_end(l, i))
		return 0;
	if (limit == l->hw && g->base == l->hw_base) {
		*end = l->hw_pos;
		return 0;
	}
	got = segment_find(g, limit, g->size, end, &b);
	return got < 0 ? -1 : 0;
}

/*
 * Cuts [pos, *end) to at most max_bytes, on a batch boundary: the index
 * knows one within 4 KiB or one batch of the limit; where it knows none, the
 * headers are walked.
 */
static int
cut(struct segment *g, int64_t pos, int64_t *end, size_t max_bytes,
	bool at_least_one)
{
	int64_t max_pos = max_bytes > (size_t)(*end - pos) ? *end :
		pos + (int64_t)max_bytes;
	uint8_t window[WALK_WINDOW];
	struct batch b;
	struct walk w;
	int64_t last;
	int got;

	if (*end <= max_pos)
		return 0;
	last = segment_boundary(g, pos, max_pos);
	if (last > pos) {
		*end = last;
		return 0;
	}
	walk_init(&w, g, pos, *end, window);
	while ((got = walk_next(&w, &b)) == 1 && w.pos <= max_pos)
		last = w.pos;
	if (got < 0)
		return -1;
	if (last == pos && at_least_one)
		last = w.pos;
	*end = last;
	return 0;
}

/* Position of the batch that holds offset or, in a gap, of the next: 1, 0, -1. */
static int
locate(struct partlog *l, int i, int64_t offset, int64_t end, int64_t *pos)
{
	struct segment *g = l->segments[i];
	struct batch b;

	if (offset == g->base) {
		*pos = 0;
		return end > 0; /* compaction leaves empty ones */
	}
	if (g == partlog_active(l) && find_in_tail(l, offset, pos))
		return *pos < end;
	return segment_find(g, offset, end, pos, &b);
}

int16_t
partlog_read(struct partlog *l, int64_t offset, int64_t limit, size_t max_bytes,
	bool at_least_one, struct wire_records *r)
{
	struct segment *g;
	int64_t pos, end;
	int i, got;

	errno = 0;
	*r = (struct wire_records){ .mem = SLICE_NULL };
	if (offset < l->start || offset > l->end)
		return KERR_OFFSET_OUT_OF_RANGE;
	if (offset >= limit || !l->segments_n)
		return KERR_NONE;
	for (i = partlog_segment_of(l, offset); ; i++) {
		if (i < 0)
			return storage_error(l);
		/* Compaction and DeleteRecords may leave nothing at or behind
		 * the offset in its segment: go on in the next. */
		g = l->segments[i];
		if (segment_open(g, false) < 0 ||
		    limit_pos(l, i, limit, &end) < 0 ||
		    (got = locate(l, i, offset, end, &pos)) < 0)
			return storage_error(l);
		if (got)
			break;
		if (i + 1 >= l->segments_n || l->segments[i + 1]->base >= limit)
			return KERR_NONE;
	}
	if (cut(g, pos, &end, max_bytes, at_least_one) < 0)
		return storage_error(l);
	if (end > pos) {
		r->file = &g->file;
		r->pos = pos;
		r->len = (size_t)(end - pos);
	}
	return KERR_NONE;
}

int64_t
partlog_read_end(struct partlog *l, const struct wire_records *r)
{
	struct segment *g = container_of(r->file, struct segment, file);
	int64_t end = r->pos + (int64_t)r->len;
	uint8_t p[8];

	if (end >= g->size || fs_read_all(l->store->fs, g->file.fd, p, 8, end) < 0)
		return partlog_segment_end(l, partlog_segment_of(l, g->base));
	return (int64_t)be64_get(p);
}

/* ---- records ------------------------------------------------------------ */

/* A batch read whole, and what it unpacks to; kept between batches. */
struct reader {
	struct buf bytes, unpacked;
};

static void
reader_release(struct reader *rd)
{
	buf_release(&rd->bytes);
	buf_release(&rd->unpacked);
}

static int
load_batch(struct reader *rd, struct segment *g, int64_t pos, struct batch *b,
	struct slice *records, struct err *e)
{
	const struct fs *fs = g->store->fs;

	buf_clear(&rd->bytes);
	if (fs_read_all(fs, g->file.fd, buf_reserve(&rd->bytes, (size_t)b->size),
			(size_t)b->size, pos) < 0)
		return err_errno(e, ERR_IO, "cannot read at byte %" PRId64, pos);
	if (!batch_crc_ok(rd->bytes.data, b))
		return err_set(e, ERR_CORRUPT, "the batch at byte %" PRId64
			" does not match its checksum", pos);
	return batch_open(rd->bytes.data, b, BATCH_UNPACKED_MAX, &rd->unpacked,
		records, e);
}

/* What a search over records looks for: timestamp >= t, or the largest. */
struct search {
	int64_t t;
	int64_t from, limit; /* offsets: visible ones */
	int64_t offset, timestamp; /* found, else -1 */
};

/* First record of the batch with timestamp >= t: 1, 0, -1. */
static int
search_batch(struct segment *g, int64_t pos, struct batch *b, struct search *x)
{
	struct reader rd = { BUF_INIT, BUF_INIT };
	struct err e = ERR_INIT;
	struct batch_record rec;
	struct slice records;
	int found = 0, got = 1;

	if (load_batch(&rd, g, pos, b, &records, &e) < 0) {
		reader_release(&rd);
		return -1;
	}
	while (!found && (got = batch_next(b, &records, &rec)) == 1) {
		found = rec.timestamp >= x->t && rec.offset >= x->from &&
			rec.offset < x->limit;
		if (found) {
			x->offset = rec.offset;
			x->timestamp = rec.timestamp;
		}
	}
	reader_release(&rd);
	return got < 0 ? -1 : found;
}

static int
search_segment(struct partlog *l, int i, struct search *x)
{
	struct segment *g = l->segments[i];
	uint8_t window[WALK_WINDOW];
	struct batch b;
	struct walk w;
	int64_t from, end;
	int got;

	if (segment_open(g, false) < 0 || limit_pos(l, i, x->limit, &end) < 0 ||
	    (from = segment_time_floor(g, x->t)) < 0)
		return -1;
	walk_init(&w, g, from, end, window);
	while ((got = walk_next(&w, &b)) == 1) {
		if (b.max_timestamp < x->t ||
		    b.base_offset + b.last_offset_delta < x->from)
			continue;
		got = search_batch(g, w.pos - b.size, &b, x);
		if (got)
			return got;
	}
	return got;
}

int16_t
partlog_offset_of_time(struct partlog *l, int64_t t, int64_t limit,
	int64_t *offset, int64_t *timestamp)
{
	struct search x = { .t = t, .from = l->start, .limit = limit,
		.offset = -1, .timestamp = -1 };
	int got = 0;

	errno = 0;
	*offset = *timestamp = -1;
	if (!l->listed && partlog_list(l) < 0)
		return storage_error(l);
	for (int i = 0; i < l->segments_n && !got; i++) {
		if (l->segments[i]->base >= x.limit)
			break;
		if (segment_max_timestamp(l->segments[i]) >= t)
			got = search_segment(l, i, &x);
	}
	if (got < 0)
		return storage_error(l);
	*offset = x.offset;
	*timestamp = x.timestamp;
	return KERR_NONE;
}

/* The largest timestamp of the batch's records from `from` on, -1 = there is none. */
static int
max_of_batch(struct segment *g, int64_t pos, struct batch *b, int64_t from,
	int64_t *max)
{
	struct reader rd = { BUF_INIT, BUF_INIT };
	struct err e = ERR_INIT;
	struct batch_record rec;
	struct slice records;
	int got = -1;

	*max = -1;
	if (!load_batch(&rd, g, pos, b, &records, &e))
		while ((got = batch_next(b, &records, &rec)) == 1)
			if (rec.offset >= from && rec.timestamp > *max)
				*max = rec.timestamp;
	reader_release(&rd);
	return got;
}

/* The largest batch timestamp below the limit, in segments that may have one
 * larger than *t: *found is the segment of it. `exact` passes over batches that
 * compaction has emptied, which keep theirs. */
static int
max_of_segment(struct partlog *l, int i, int64_t limit, bool exact, int64_t *t,
	int *found)
{
	struct segment *g = l->segments[i];
	uint8_t window[WALK_WINDOW];
	struct batch b;
	struct walk w;
	int64_t end;
	int got;

	if (segment_max_timestamp(g) <= *t)
		return 0;
	if (g->again) {
		errno = EAGAIN;
		return -1;
	}
	if (!exact && limit >= partlog_segment_end(l, i) && l->start <= g->base) {
		*t = g->max_timestamp;
		*found = i;
		return 0;
	}
	/* Part of it is not visible: look at the batches one by one. */
	if (segment_open(g, false) < 0 || limit_pos(l, i, limit, &end) < 0)
		return -1;
	walk_init(&w, g, 0, end, window);
	while ((got = walk_next(&w, &b)) == 1) {
		int64_t max = b.max_timestamp;

		if (max <= *t || w.offset <= l->start || !b.count)
			continue;
		/* DeleteRecords may have cut it in two. */
		if (b.base_offset < l->start && max_of_batch(g, w.pos - b.size,
				&b, l->start, &max) < 0)
			return -1;
		if (max > *t) {
			*t = max;
			*found = i;
		}
	}
	return got;
}

/* 1, 0 = nothing of that timestamp was found, -1 */
static int
search_max(struct partlog *l, bool exact, struct search *x)
{
	int found = -1;

	x->t = -1;
	for (int i = 0; i < l->segments_n; i++) {
		if (l->segments[i]->base >= x->limit)
			break;
		if (max_of_segment(l, i, x->limit, exact, &x->t, &found) < 0)
			return -1;
	}
	return found >= 0 ? search_segment(l, found, x) : 0;
}

int16_t
partlog_offset_of_max_time(struct partlog *l, int64_t limit, int64_t *offset,
	int64_t *timestamp)
{
	struct search x = { .from = l->start, .limit = limit, .offset = -1,
		.timestamp = -1 };
	int got;

	errno = 0;
	*offset = *timestamp = -1;
	if (!l->listed && partlog_list(l) < 0)
		return storage_error(l);
	got = search_max(l, false, &x);
	if (!got && l->config.compact)
		got = search_max(l, true, &x);
	if (got < 0)
		return storage_error(l);
	*offset = x.offset;
	*timestamp = x.timestamp;
	return KERR_NONE;
}

/* ---- scanning ----------------------------------------------------------- */

static int
scan_batch(const struct batch *b, struct slice records, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e)
{
	struct batch_record rec;
	int got, r;

	while ((got = batch_next(b, &records, &rec)) == 1) {
		struct log_record out = {
			.offset = rec.offset,
			.timestamp = rec.timestamp,
			.key = rec.key,
			.value = rec.value,
			.producer_id = b->producer_id,
			.producer_epoch = b->producer_epoch,
			.transactional = b->attributes & BATCH_TRANSACTIONAL,
			.control = b->attributes & BATCH_CONTROL,
		};

		if (rec.offset >= offset && (r = fn(arg, &out)))
			return r;
	}
	return got < 0 ? err_set(e, ERR_CORRUPT, "a record of the batch at offset %"
		PRId64 " is damaged", b->base_offset) : 0;
}

static int
scan_segment(struct segment *g, struct reader *rd, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e)
{
	uint8_t window[WALK_WINDOW];
	struct slice records;
	struct batch b;
	struct walk w;
	int64_t pos = 0;
	int got, r = 0;

	if (segment_open(g, false) < 0)
		return err_errno(e, ERR_IO, "cannot open segment %" PRId64, g->base);
	if (offset > g->base)
		segment_need_index(g);
	/* A scan goes on in the middle when its caller had stopped it. */
	got = offset > g->base ? segment_find(g, offset, g->size, &pos, &b) : 1;
	if (got <= 0)
		return got < 0 ? err_errno(e, ERR_IO, "cannot read segment %" PRId64,
			g->base) : 0;
	walk_init(&w, g, pos, g->size, window);
	while (!r && (got = walk_next(&w, &b)) == 1) {
		r = load_batch(rd, g, w.pos - b.size, &b, &records, e);
		if (!r)
			r = scan_batch(&b, records, offset, fn, arg, e);
	}
	if (!r && got < 0)
		r = err_errno(e, ERR_CORRUPT, "no batch at byte %" PRId64, w.pos);
	return r;
}

int
partlog_scan(struct partlog *l, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e)
{
	struct reader rd = { BUF_INIT, BUF_INIT };
	int i, r = 0;

	if (offset < l->start)
		offset = l->start;
	if (!l->segments_n || offset >= l->end)
		return 0;
	i = partlog_segment_of(l, offset);
	if (i < 0)
		return err_errno(e, ERR_IO, "cannot list '%s'", partlog_path(l, NULL));
	for (; i < l->segments_n && !r; i++) {
		r = scan_segment(l->segments[i], &rd, offset, fn, arg, e);
		if (r < 0)
			err_wrap(e, "'%s/%020" PRId64 ".log'", partlog_path(l, NULL),
				l->segments[i]->base);
	}
	reader_release(&rd);
	return r;
}
