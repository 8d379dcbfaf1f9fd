/*
 * segment_find.c - what is where in a segment, by its indexes; those that are
 * missing or wrong are made again first.
 */
#include <errno.h>

#include "store/segment.h"
#include "store/state.h"

enum {
	/* Bytes behind the last stored entry that are walked, not indexed. */
	INDEX_GAP = 4 << 20,
	AT_ONCE = 16 << 20, /* bytes whose index is made while its reader waits */
};

/* Makes index entries for everything from the last one to the end. */
static void
extend_index(struct segment *s)
{
	const struct fs *fs = s->store->fs;
	uint8_t window[WALK_WINDOW];
	uint32_t n = index_count(&s->offsets);
	int64_t size = s->size, pos = 0;
	struct batch b;
	struct walk w;

	if (n)
		pos = index_key(&s->offsets, fs, n - 1, INDEX_POSITION);
	if (segment_open(s, false) < 0)
		return;
	s->since_entry = 0;
	walk_init(&w, s, pos, size, window);
	for (s->size = pos; walk_next(&w, &b) == 1; )
		segment_added(s, &b, s->log->config.index_interval_bytes);
	s->size = size;
}

static void
forget_index(struct segment *s)
{
	const struct fs *fs = s->store->fs;

	index_release(&s->offsets, fs);
	index_release(&s->times, fs);
	index_init(&s->offsets, OFFSET_ENTRY, 0);
	index_init(&s->times, TIME_ENTRY, 0);
	s->entry_timestamp = -1;
	s->extended = false;
}

/* The newest time entry tells the largest timestamp of what is indexed. */
static void
load_max_timestamp(struct segment *s)
{
	uint32_t n = index_count(&s->times);

	if (!n)
		return;
	s->max_timestamp = index_key(&s->times, s->store->fs, n - 1, INDEX_TIME);
	s->max_timestamp_offset = s->base +
		index_time_offset(&s->times, s->store->fs, n - 1);
}

/*
 * Makes both indexes usable: checks what the files have, and makes again
 * what is missing or wrong. The batch headers are the truth. -1 and EAGAIN
 * when that takes longer.
 */
static int
ready_index(struct segment *s)
{
	const struct fs *fs = s->store->fs;
	bool active = s == partlog_active(s->log);
	int64_t reach = 0;
	uint32_t n;

	errno = EAGAIN;
	if (s->again)
		return -1;
	if (index_ready(&s->offsets, fs, segment_path(s, ".index"), s->size) < 0 ||
	    index_ready(&s->times, fs, segment_path(s, ".timeindex"), 0) < 0)
		forget_index(s);
	/* A sealed segment has a time entry: one of the two files was lost. */
	if (!active && !s->extended && index_count(&s->offsets) &&
	    !index_count(&s->times))
		forget_index(s);
	if (s->extended)
		return 0;
	n = index_count(&s->offsets);
	if (n)
		reach = index_key(&s->offsets, fs, n - 1, INDEX_POSITION);
	if (s->size - reach > AT_ONCE) {
		lost_index_begin(s);
		errno = EAGAIN;
		return -1;
	}
	s->extended = true;
	if (active && s->size - reach <= INDEX_GAP)
		return 0;
	if (!active)
		load_max_timestamp(s);
	extend_index(s);
	if (!active)
		segment_seal_indexes(s);
	return 0;
}

void
segment_need_index(struct segment *s)
{
	if (ready_index(s) < 0 && s->again)
		lost_index_finish(s->again);
}

void
segment_adopt_made(struct segment *s, struct segment *made)
{
	bool active = s == partlog_active(s->log);
	struct index offsets = made->offsets, times = made->times;

	index_init(&made->offsets, OFFSET_ENTRY, 0);
	index_init(&made->times, TIME_ENTRY, 0);
	forget_index(s);
	s->offsets = offsets;
	s->times = times;
	s->since_entry = made->since_entry;
	s->entry_timestamp = made->entry_timestamp;
	s->extended = s->remade = true;
	if (active)
		return;
	s->max_timestamp = made->max_timestamp;
	s->max_timestamp_offset = made->max_timestamp_offset;
	s->times_known = true;
	segment_seal_indexes(s);
}

/* Walks from index entry i (-1 = the start); an entry that lies is EBADMSG. */
static int
find_from(struct segment *s, int64_t i, int64_t offset, int64_t end, int64_t *pos,
	struct batch *b)
{
	const struct fs *fs = s->store->fs;
	uint8_t window[WALK_WINDOW];
	int64_t from = 0, last = -1;
	struct walk w;
	int got;

	if (i >= 0) {
		from = index_key(&s->offsets, fs, i, INDEX_POSITION);
		last = s->base + index_key(&s->offsets, fs, i, INDEX_OFFSET);
	}
	walk_init(&w, s, from < end ? from : end, end, window);
	while ((got = walk_next(&w, b)) == 1) {
		if (last >= 0 && b->base_offset + b->last_offset_delta != last) {
			errno = EBADMSG;
			return -1;
		}
		last = -1;
		if (b->base_offset + b->last_offset_delta >= offset)
			break;
	}
	*pos = got == 1 ? w.pos - b->size : w.pos;
	return got;
}

int
segment_find(struct segment *s, int64_t offset, int64_t end, int64_t *pos,
	struct batch *b)
{
	const struct fs *fs = s->store->fs;
	int64_t i;
	int got;

	if (segment_open(s, false) < 0 || ready_index(s) < 0)
		return -1;
	i = index_floor(&s->offsets, fs, INDEX_OFFSET, offset - s->base);
	got = find_from(s, i, offset, end, pos, b);
	if (got < 0 && errno == EBADMSG && i >= 0 && !s->remade) {
		forget_index(s);
		if (ready_index(s) < 0)
			return -1;
		i = index_floor(&s->offsets, fs, INDEX_OFFSET, offset - s->base);
		got = find_from(s, i, offset, end, pos, b);
	}
	return got;
}

int64_t
segment_boundary(struct segment *s, int64_t pos, int64_t max_pos)
{
	const struct fs *fs = s->store->fs;
	int64_t i, at;

	if (ready_index(s) < 0)
		return pos;
	i = index_floor(&s->offsets, fs, INDEX_POSITION, max_pos);
	at = i < 0 ? 0 : index_key(&s->offsets, fs, i, INDEX_POSITION);
	return at > pos ? at : pos;
}

int64_t
segment_time_floor(struct segment *s, int64_t t)
{
	const struct fs *fs = s->store->fs;
	int64_t i;

	if (t <= 0)
		return 0;
	if (ready_index(s) < 0)
		return -1;
	/* Everything up to the entry's offset is older than t. */
	i = index_floor(&s->times, fs, INDEX_TIME, t - 1);
	if (i < 0)
		return 0;
	i = index_floor(&s->offsets, fs, INDEX_OFFSET,
		index_time_offset(&s->times, fs, i));
	return i < 0 ? 0 : index_key(&s->offsets, fs, i, INDEX_POSITION);
}

int64_t
segment_max_timestamp(struct segment *s)
{
	if (!s->times_known && s != partlog_active(s->log)) {
		s->extended = false;
		if (ready_index(s) < 0)
			return INT64_MAX;
		s->times_known = true;
	}
	return s->max_timestamp;
}
