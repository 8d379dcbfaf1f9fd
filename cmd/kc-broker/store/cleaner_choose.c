#include "store/cleaner_choose.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "store/compact.h"
#include "store/state.h"

enum {
	LISTINGS = 16,      /* directories read per look, at most */
	FILE_MAX = 16 << 20,
};

/* ---- the file ----------------------------------------------------------- */

static const char *
name_of(const struct partlog *l, char *out, size_t size)
{
	snprintf(out, size, "%s %" PRId32, l->topic, l->partition);
	return out;
}

/* "topic partition offset" */
static void
load_line(const struct map *logs, struct slice line)
{
	const char *p = line.data;
	size_t n = line.len;
	struct err e = ERR_INIT;
	struct partlog *l;
	int64_t offset;

	while (n && p[n - 1] != ' ')
		n--;
	if (!n || num_int(slice_make(p + n, line.len - n), 0, INT64_MAX, &offset,
			&e) < 0)
		return;
	l = map_get(logs, slice_make(p, n - 1));
	if (l)
		l->cleaned = offset;
}

static void
load_text(struct store *s, struct slice text)
{
	const char *p = text.data, *end = p + text.len;
	struct map logs = { 0 };
	char name[512], *key;
	struct buf keys = BUF_INIT;

	for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
		struct partlog *l = container_of(i, struct partlog, node);

		if (!l->config.compact)
			continue;
		key = xstrdup(name_of(l, name, sizeof(name)));
		buf_add(&keys, &key, sizeof(key));
		map_put(&logs, slice_str(key), l);
	}
	for (int line = 0; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (!stop)
			stop = end;
		if (line >= 2)
			load_line(&logs, slice_make(p, (size_t)(stop - p)));
		p = stop + 1;
	}
	map_release(&logs);
	for (size_t i = 0; i < keys.len; i += sizeof(key)) {
		memcpy(&key, keys.data + i, sizeof(key));
		free(key);
	}
	buf_release(&keys);
}

void
choose_load(struct store *s)
{
	const struct fs *fs = s->fs;
	struct buf path = BUF_INIT, text = BUF_INIT;
	int64_t size;
	int fd;

	buf_addf(&path, "%s/" CLEAN_OFFSETS, s->dir);
	fd = fs->open(fs, buf_cstr(&path), O_RDONLY);
	buf_release(&path);
	if (fd < 0)
		return;
	size = fs->size(fs, fd);
	if (size > 0 && size <= FILE_MAX && !fs_read_all(fs, fd,
			buf_reserve(&text, (size_t)size), (size_t)size, 0)) {
		text.len = (size_t)size;
		load_text(s, buf_slice(&text));
	}
	fs->close(fs, fd);
	buf_release(&text);
}

void
choose_save(struct store *s, struct buf *out)
{
	char name[512];
	int n = 0;

	for (struct list *i = s->logs.next; i != &s->logs; i = i->next)
		n += container_of(i, struct partlog, node)->cleaned >= 0;
	buf_clear(out);
	buf_addf(out, "0\n%d\n", n);
	for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
		struct partlog *l = container_of(i, struct partlog, node);

		if (l->cleaned >= 0)
			buf_addf(out, "%s %" PRId64 "\n",
				name_of(l, name, sizeof(name)), l->cleaned);
	}
}

/* ---- one log ------------------------------------------------------------ */

/* What could be done in a log. */
struct chance {
	struct partlog *log;
	int64_t dirty;   /* offset of the first record not cleaned */
	int n;           /* segments that can be cleaned */
	double ratio;    /* of dirty bytes in them */
	bool must;       /* max.compaction.lag.ms has passed */
	bool waits;      /* for a checkpoint that covers a segment */
};

/* Cached: of a sealed segment it is in its first batch. */
static int64_t
first_timestamp(struct segment *g)
{
	uint8_t header[BATCH_HEADER];
	struct batch b;

	if (g->first_timestamp < 0 && g->size >= BATCH_HEADER &&
	    !segment_open(g, false) && !fs_read_all(g->store->fs, g->file.fd, header,
			sizeof(header), 0)) {
		batch_decode(header, &b);
		g->first_timestamp = b.max_timestamp;
	}
	return g->first_timestamp;
}

static int64_t
first_dirty(const struct partlog *l)
{
	if (l->cleaned < l->start || l->cleaned > l->end)
		return l->start;
	return l->cleaned;
}

/*
 * Segments from the first on that may be cleaned: not the active one, below
 * the last stable offset, older than min.compaction.lag.ms.
 */
static int
cleanable(struct partlog *l, int64_t dirty, int64_t now)
{
	int64_t stable = partlog_last_stable(l), lag = l->config.min_compaction_lag_ms;
	int n = 0;

	for (; n + 1 < l->segments_n; n++) {
		struct segment *g = l->segments[n];

		if (partlog_segment_end(l, n) > stable)
			break;
		if (lag > 0 && partlog_segment_end(l, n) > dirty &&
		    segment_max_timestamp(g) > now - lag)
			break;
	}
	return n;
}

/*
 * Of n segments those that no recovery reads any more and on which the high
 * watermark does not stand.
 */
static int
settled(const struct partlog *l, int n)
{
	const struct store *s = l->store;

	while (n > 0 && (l->segments[n]->base > l->hw_base || (!s->o.ephemeral &&
	    l->segments[n]->begun >= (int64_t)s->checkpoints_done)))
		n--;
	return n;
}

/* Of the first n segments, how much is dirty? */
static void
weigh(struct chance *x, int64_t now)
{
	const struct partlog *l = x->log;
	int64_t clean = 0, dirty = 0, oldest = INT64_MAX;
	int64_t lag = l->config.max_compaction_lag_ms;

	x->must = false;
	for (int i = 0; i < x->n; i++) {
		struct segment *g = l->segments[i];
		int64_t t;

		if (partlog_segment_end(l, i) <= x->dirty) {
			clean += g->size;
			continue;
		}
		dirty += g->size;
		/* One that is dirty in part only counts on both sides. */
		if (g->base < x->dirty)
			clean += g->size;
		t = lag > 0 && lag < INT64_MAX ? first_timestamp(g) : -1;
		if (t > 0 && t < oldest)
			oldest = t;
	}
	x->ratio = dirty ? (double)dirty / (double)(clean + dirty) : 0;
	x->must = dirty && oldest < INT64_MAX &&
		oldest < now - lag;
}

static bool
is_due(const struct chance *x)
{
	return x->must || x->ratio > x->log->config.min_dirty_ratio;
}

/* Is there something to do in the log? */
static bool
look_at(struct partlog *l, int64_t now, struct chance *x)
{
	int n;

	*x = (struct chance){ .log = l, .dirty = first_dirty(l) };
	n = x->n = cleanable(l, x->dirty, now);
	weigh(x, now);
	if (!is_due(x))
		return false;
	x->n = settled(l, n);
	x->waits = x->n < n;
	if (!x->waits)
		return true;
	weigh(x, now);
	return is_due(x);
}

/* ---- the work ----------------------------------------------------------- */

static void
add_producers(struct compact *w, const struct producers *s)
{
	w->producers = xcalloc(s->n, sizeof(*w->producers));
	w->producers_n = (int)s->n;
	for (size_t i = 0; i < s->n; i++) {
		const struct producer *p = s->by_id[i];

		w->producers[i] = (struct compact_producer){ .id = p->id,
			.epoch = p->epoch, .last = producer_last_offset(p) };
	}
}

static void
add_sources(struct compact *w, const struct partlog *l, int n)
{
	w->sources = xcalloc((size_t)n, sizeof(*w->sources));
	w->sources_n = n;
	for (int i = 0; i < n; i++)
		w->sources[i] = (struct compact_source){
			.base = l->segments[i]->base,
			.end = partlog_segment_end(l, i),
			.size = l->segments[i]->size,
		};
	w->upper = w->sources[n - 1].end;
}

static int
prepare(struct compact *w, const struct chance *x, int64_t now)
{
	struct partlog *l = x->log;
	struct store *s = l->store;
	struct aborted_txn *aborted;
	struct arena a = { 0 };
	int n;

	compact_init(w, s->fs, s->o.cleaner_buffer);
	w->dir = xstrdup(partlog_path(l, NULL));
	w->dirty = x->dirty;
	w->now = now;
	w->delete_retention_ms = l->config.delete_retention_ms;
	w->segment_bytes = l->config.segment_bytes;
	w->index_interval_bytes = l->config.index_interval_bytes;
	w->index_bytes = l->config.segment_index_bytes;
	add_sources(w, l, x->n);
	add_producers(w, &l->producers);
	if (partlog_aborted(l, w->sources[0].base, w->upper, &a, &aborted, &n)) {
		arena_release(&a);
		compact_release(w);
		return -1;
	}
	w->aborted = xmemdup(aborted, (size_t)n * sizeof(*aborted));
	w->aborted_n = n;
	arena_release(&a);
	return 0;
}

struct partlog *
choose_log(struct store *s, struct compact *work)
{
	int64_t now = clock_wall_ms(s->o.clock), mono = clock_mono_ms(s->o.clock);
	struct chance best = { 0 }, x;
	int listings = 0;

	for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
		struct partlog *l = container_of(i, struct partlog, node);

		if (!l->config.compact || l->uncleanable || l->detached ||
		    l->cleaning || mono < l->clean_after)
			continue;
		if (!l->listed && (++listings > LISTINGS || partlog_list(l) < 0))
			continue;
		if (look_at(l, now, &x) && (!best.log || x.ratio > best.ratio))
			best = x;
		/* A roll is covered by the next checkpoint. */
		s->checkpoint_due |= x.waits;
	}
	return best.log && !prepare(work, &best, now) ? best.log : NULL;
}
