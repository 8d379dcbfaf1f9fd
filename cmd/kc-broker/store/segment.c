#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/state.h"

enum {
	/* Once a segment has grown to the one, blocks are reserved ahead in
	 * steps of the other; small topics cost no disk. */
	RESERVE_FROM = 1 << 20,
	RESERVE_STEP = 16 << 20,
	CLOSE_LOOKS = 8,
	TO_BE_READ = -2, /* an entry_timestamp */
};

static const char *
file_name(const struct segment *s, const char *suffix, char out[SEGMENT_NAME + 1])
{
	snprintf(out, SEGMENT_NAME + 1, "%020" PRId64 "%s", s->base, suffix);
	return out;
}

int64_t
segment_base(const char *name, const char *suffix)
{
	struct err e = ERR_INIT;
	int64_t base;

	if (strlen(name) < 24 || name[20] != '.' ||
	    (suffix && strcmp(name + 20, suffix)) ||
	    num_int(slice_make(name, 20), 0, INT64_MAX, &base, &e) < 0)
		return -1;
	return base;
}

const char *
segment_path(const struct segment *s, const char *suffix)
{
	char name[SEGMENT_NAME + 1];

	return partlog_path(s->log, file_name(s, suffix, name));
}

static void
close_files(struct segment *s)
{
	const struct fs *fs = s->store->fs;

	index_close(&s->offsets, fs);
	index_close(&s->times, fs);
	aborted_trim(&s->aborted);
	if (s->file.fd < 0)
		return;
	fs->close(fs, s->file.fd);
	s->file.fd = -1;
	list_remove(&s->lru);
	s->store->open_n--;
}

static void
unused(struct wire_file *f)
{
	struct segment *s = container_of(f, struct segment, file);

	if (s->gone)
		segment_free(s);
}

struct segment *
segment_new(struct partlog *l, int64_t base)
{
	struct segment *s = xcalloc(1, sizeof(*s));

	s->file = (struct wire_file){ .fd = -1, .release = unused };
	s->store = l->store;
	s->log = l;
	s->base = base;
	s->first_timestamp = s->max_timestamp = s->max_timestamp_offset = -1;
	s->begun = (int64_t)l->store->checkpoints;
	s->entry_timestamp = -1;
	list_init(&s->lru);
	index_init(&s->offsets, OFFSET_ENTRY, 0);
	index_init(&s->times, TIME_ENTRY, 0);
	return s;
}

/* A deleted segment may be large: its last descriptor is closed by the keeper. */
void
segment_free(struct segment *s)
{
	if (s->gone && s->file.fd >= 0 && s->store->keeper) {
		keeper_close(s->store->keeper, s->file.fd);
		s->file.fd = -1;
		list_remove(&s->lru);
		s->store->open_n--;
	}
	if (s->again)
		lost_index_cancel(s->again);
	close_files(s);
	index_release(&s->offsets, s->store->fs);
	index_release(&s->times, s->store->fs);
	aborted_release(&s->aborted);
	free(s);
}

void
segment_let_go(struct segment *s)
{
	s->gone = true;
	if (s->again)
		lost_index_cancel(s->again);
	if (!s->file.refs)
		segment_free(s);
}

void
segment_unref(struct segment *s)
{
	if (!--s->file.refs)
		s->file.release(&s->file);
}

void
segment_close_idle(struct store *st, int limit)
{
	/* Where all are busy the limit gives way: a few looks are enough. */
	for (int looks = limit ? CLOSE_LOOKS : st->open_n;
	    looks > 0 && st->open_n > limit; looks--) {
		struct segment *s = container_of(st->open_segments.next,
			struct segment, lru);

		/* What this turn of the loop used may be in a reply in the making. */
		if (s->file.refs || s->pinned || s->turn == st->turn) {
			list_remove(&s->lru);
			list_append(&st->open_segments, &s->lru);
		} else {
			close_files(s);
		}
	}
}

int
segment_open(struct segment *s, bool create)
{
	struct store *st = s->store;
	int flags = O_RDWR | (create ? O_CREAT | O_TRUNC : 0);

	s->turn = st->turn;
	if (s->file.fd >= 0) {
		list_remove(&s->lru);
		list_append(&st->open_segments, &s->lru);
		return 0;
	}
	segment_close_idle(st, OPEN_SEGMENTS - 1);
	s->file.fd = st->fs->open(st->fs, segment_path(s, ".log"), flags);
	if (s->file.fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		segment_close_idle(st, 0);
		s->file.fd = st->fs->open(st->fs, segment_path(s, ".log"), flags);
	}
	if (s->file.fd < 0)
		return -1;
	list_append(&st->open_segments, &s->lru);
	st->open_n++;
	return 0;
}

void
segment_adopt_indexes(struct segment *s, uint32_t offsets, uint32_t times)
{
	index_init(&s->offsets, OFFSET_ENTRY, offsets);
	index_init(&s->times, TIME_ENTRY, times);
	s->entry_timestamp = TO_BE_READ;
}

void
segment_stat(struct segment *s)
{
	const struct fs *fs = s->store->fs;
	int64_t n = fs->size_of(fs, segment_path(s, ".log")), offsets, times;

	s->size = n > 0 ? n : 0;
	offsets = fs->size_of(fs, segment_path(s, ".index"));
	times = fs->size_of(fs, segment_path(s, ".timeindex"));
	segment_adopt_indexes(s, offsets > 0 ? (uint32_t)(offsets / OFFSET_ENTRY) : 0,
		times > 0 ? (uint32_t)(times / TIME_ENTRY) : 0);
	s->named = true;
}

/* ---- writing ------------------------------------------------------------ */

/* Entries ascend: only a timestamp that is larger than all before has one. */
static void
add_time_entry(struct segment *s)
{
	const struct fs *fs = s->store->fs;
	uint32_t n = index_count(&s->times);

	if (s->entry_timestamp == TO_BE_READ)
		s->entry_timestamp = n && !index_ready(&s->times, fs,
			segment_path(s, ".timeindex"), 0) ?
			index_key(&s->times, fs, n - 1, INDEX_TIME) : -1;
	if (s->max_timestamp <= s->entry_timestamp)
		return;
	index_add_time(&s->times, s->max_timestamp,
		(uint32_t)(s->max_timestamp_offset - s->base));
	s->entry_timestamp = s->max_timestamp;
}

void
segment_added(struct segment *s, const struct batch *b, int64_t interval)
{
	int64_t last = b->base_offset + b->last_offset_delta;

	if (!s->size)
		s->first_timestamp = b->max_timestamp;
	if (b->max_timestamp > s->max_timestamp) {
		s->max_timestamp = b->max_timestamp;
		s->max_timestamp_offset = last;
	}
	if (s->since_entry > interval) {
		index_add_offset(&s->offsets, (uint32_t)(last - s->base),
			(uint32_t)s->size);
		add_time_entry(s);
		s->since_entry = 0;
	}
	s->since_entry += b->size;
	s->size += b->size;
}

/* Space for the bytes up to `end`, well before they come. A disk that cannot
 * is found out by the write itself. */
void
segment_reserve(struct segment *s, int64_t end)
{
	const struct fs *fs = s->store->fs;

	if (end < RESERVE_FROM || end <= s->allocated)
		return;
	s->allocated = (end / RESERVE_STEP + 1) * RESERVE_STEP;
	if (s->allocated > s->log->config.segment_bytes)
		s->allocated = s->log->config.segment_bytes;
	if (s->allocated <= s->size)
		return;
	fs->fallocate(fs, s->file.fd, true, s->size, s->allocated - s->size);
}

void
segment_preallocate(struct segment *s)
{
	const struct fs *fs = s->store->fs;

	s->allocated = s->log->config.segment_bytes;
	fs->fallocate(fs, s->file.fd, true, 0, s->allocated);
}

void
segment_store_index(struct segment *s)
{
	const struct fs *fs = s->store->fs;
	uint32_t before = s->offsets.stored + s->times.stored;

	/* A file that cannot be written is made again when it is missed. */
	index_store(&s->offsets, fs, segment_path(s, ".index"));
	index_store(&s->times, fs, segment_path(s, ".timeindex"));
	s->index_written |= s->offsets.stored + s->times.stored != before;
}

/*
 * In front of a power cut an earlier life of the segment may have had other
 * entries there, and nothing tells them from ours: those that a checkpoint
 * counts are to be on disk, and also that there are none.
 */
void
segment_each_written_index(struct segment *s,
	void (*fn)(void *arg, const char *path), void *arg)
{
	static const char *const suffixes[] = { ".index", ".timeindex" };
	const struct fs *fs = s->store->fs;

	for (int i = 0; i < 2 && s->index_written; i++)
		if (fs->size_of(fs, segment_path(s, suffixes[i])) >= 0)
			fn(arg, segment_path(s, suffixes[i]));
	s->index_written = false;
}

void
segment_tidy(struct segment *s)
{
	const struct fs *fs = s->store->fs;

	segment_store_index(s);
	if (s->allocated > s->size && s->file.fd >= 0)
		fs->ftruncate(fs, s->file.fd, s->size);
	s->allocated = 0;
}

void
segment_seal_indexes(struct segment *s)
{
	const struct fs *fs = s->store->fs;

	add_time_entry(s);
	segment_tidy(s);
	/* What an earlier life of the files had behind their end. */
	if (s->offsets.fd < 0)
		s->offsets.fd = fs->open(fs, segment_path(s, ".index"), O_RDWR);
	if (s->times.fd < 0)
		s->times.fd = fs->open(fs, segment_path(s, ".timeindex"), O_RDWR);
	if (s->offsets.fd >= 0)
		fs->ftruncate(fs, s->offsets.fd, (int64_t)s->offsets.stored * OFFSET_ENTRY);
	if (s->times.fd >= 0)
		fs->ftruncate(fs, s->times.fd, (int64_t)s->times.stored * TIME_ENTRY);
	s->index_written = true;
	index_trim(&s->offsets, 0);
	index_trim(&s->times, 0);
}

void
segment_seal(struct segment *s)
{
	segment_seal_indexes(s);
	s->dirty = true; /* the next checkpoint syncs the indexes, if nothing else */
	aborted_seal(&s->aborted, s->store->fs, segment_path(s, ".txnindex"));
}

int
segment_store_aborted(struct segment *s)
{
	return aborted_store(&s->aborted, s->store->fs, segment_path(s, ".txnindex"));
}

int
segment_load_aborted(struct segment *s)
{
	/* Counted among the open ones, so that it is let go of with them. */
	if (s->aborted.from && segment_open(s, false) < 0)
		return -1;
	return aborted_load(&s->aborted, s->store->fs, segment_path(s, ".txnindex"));
}

/* ---- walking ------------------------------------------------------------ */

void
walk_init(struct walk *w, struct segment *s, int64_t pos, int64_t end,
	uint8_t *window)
{
	*w = (struct walk){ .s = s, .pos = pos, .end = end, .offset = s->base,
		.window = window };
}

static int
fill_window(struct walk *w)
{
	const struct fs *fs = w->s->store->fs;
	size_t n = w->end - w->pos < WALK_WINDOW ? (size_t)(w->end - w->pos) :
		WALK_WINDOW;

	w->have = 0;
	if (fs_read_all(fs, w->s->file.fd, w->window, n, w->pos) < 0)
		return -1;
	w->at = w->pos;
	w->have = n;
	return 0;
}

int
walk_next(struct walk *w, struct batch *b)
{
	if (w->pos >= w->end)
		return 0;
	errno = EBADMSG;
	if (w->end - w->pos < BATCH_HEADER)
		return -1;
	if (!w->have || w->pos + BATCH_HEADER > w->at + (int64_t)w->have)
		if (fill_window(w) < 0)
			return -1;
	batch_decode(w->window + (w->pos - w->at), b);
	errno = EBADMSG;
	if (b->magic != 2 || b->size < BATCH_HEADER || b->size > w->end - w->pos ||
	    b->base_offset < w->offset || b->last_offset_delta < 0 ||
	    b->base_offset > INT64_MAX - 1 - b->last_offset_delta)
		return -1;
	w->offset = b->base_offset + b->last_offset_delta + 1;
	w->pos += b->size;
	return 1;
}
