#include "store/partlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "store/state.h"
#include "wire/errors.h"

/* ---- making and freeing ------------------------------------------------- */

struct partlog *
partlog_new(struct store *s, const struct uuid *id, struct slice topic,
	int32_t partition, const struct log_config *c)
{
	struct partlog *l = xcalloc(1, sizeof(*l));

	l->store = s;
	l->id = *id;
	l->topic = xmemdup0(topic.data, topic.len);
	l->partition = partition;
	l->config = *c;
	l->hw_base = l->cleaned = -1;
	l->kept_until = clock_mono_ms(s->o.clock) + s->o.retention_delay_ms;
	l->listed = true;
	list_init(&l->watches);
	list_init(&l->dirty);
	list_init(&l->moved);
	list_init(&l->lost);
	producers_init(&l->producers);
	l->producers.all = &s->stats.producers;
	list_append(&s->logs, &l->node);
	return l;
}

void
partlog_free(struct partlog *l)
{
	while (!list_is_empty(&l->watches))
		list_remove(l->watches.next);
	for (int i = 0; i < l->segments_n; i++)
		segment_free(l->segments[i]);
	free(l->segments);
	list_remove(&l->node);
	list_remove(&l->dirty);
	list_remove(&l->moved);
	producers_clear(&l->producers);
	free(l->tail);
	free(l->topic);
	free(l);
}

/* ---- small questions ---------------------------------------------------- */

int64_t
partlog_start(const struct partlog *l)
{
	return l->start;
}

int64_t
partlog_high_watermark(const struct partlog *l)
{
	return l->hw;
}

int64_t
partlog_end(const struct partlog *l)
{
	return l->end;
}

const struct partlog_traffic *
partlog_traffic(const struct partlog *l)
{
	return &l->traffic;
}

void
partlog_sent(struct partlog *l, size_t bytes)
{
	l->traffic.bytes_out += bytes;
}

int64_t
partlog_size(const struct partlog *l)
{
	int64_t n = l->older_bytes;

	for (int i = 0; i < l->segments_n; i++)
		n += l->segments[i]->size;
	return n;
}

const struct uuid *
partlog_topic_id(const struct partlog *l)
{
	return &l->id;
}

bool
partlog_met(struct partlog *l, uint64_t walk)
{
	bool met = l->walk == walk;

	l->walk = walk;
	return met;
}

const char *
partlog_topic(const struct partlog *l)
{
	return l->topic;
}

int32_t
partlog_partition(const struct partlog *l)
{
	return l->partition;
}

void
partlog_set_config(struct partlog *l, const struct log_config *c)
{
	l->config = *c;
	l->kept_until = 0;
}

/* ---- watching ----------------------------------------------------------- */

void
partlog_watch(struct partlog *l, struct log_watch *w)
{
	list_append(&l->watches, &w->node);
}

void
partlog_unwatch(struct log_watch *w)
{
	list_remove(&w->node);
}

void
partlog_moved(struct partlog *l)
{
	if (list_is_empty(&l->moved) && !list_is_empty(&l->watches))
		list_append(&l->store->moved, &l->moved);
}

/* A watcher may unwatch itself or others while it is told. */
void
partlog_fire(struct partlog *l)
{
	struct list told;

	list_init(&told);
	list_splice(&told, &l->watches);
	while (!list_is_empty(&told)) {
		struct log_watch *w = container_of(told.next, struct log_watch, node);

		list_remove(&w->node);
		list_append(&l->watches, &w->node);
		w->changed(w);
	}
}

void
partlog_touch(struct partlog *l)
{
	struct store *s = l->store;

	if (s->dirty_since < 0)
		s->dirty_since = clock_mono_ms(s->o.clock);
	if (list_is_empty(&l->dirty))
		list_append(&s->dirty, &l->dirty);
}

/* ---- on disk ------------------------------------------------------------ */

const char *
partlog_path(const struct partlog *l, const char *name)
{
	struct buf *b = &l->store->path;

	buf_clear(b);
	buf_addf(b, "%s/%s-%" PRId32, l->store->dir, l->topic, l->partition);
	if (name)
		buf_addf(b, "%s%s", *name == '.' ? "" : "/", name);
	return buf_cstr(b);
}

/* Where the files of a deleted partition wait for their removal. */
const char *
partlog_grave(struct store *s, const struct uuid *id, int32_t partition)
{
	char text[UUID_TEXT];

	buf_clear(&s->path);
	buf_addf(&s->path, "%s/%s-%" PRId32 "-delete", s->dir,
		uuid_text(id, text), partition);
	return buf_cstr(&s->path);
}

int
partlog_bury(struct partlog *l, const struct uuid *owner)
{
	const struct fs *fs = l->store->fs;
	char *from = xstrdup(partlog_path(l, NULL));
	int r = fs->rename(fs, from, partlog_grave(l->store, owner, l->partition));

	free(from);
	return r;
}

/* "version: 0\ntopic_id: <22 characters>\n" */
int
partlog_owner(const struct partlog *l, struct uuid *id)
{
	return store_read_owner(l->store->fs, partlog_path(l, "partition.metadata"), id);
}

static int
write_owner(struct partlog *l)
{
	const struct fs *fs = l->store->fs;
	char text[64], id[UUID_TEXT];
	int n = snprintf(text, sizeof(text), "version: 0\ntopic_id: %s\n",
		uuid_text(&l->id, id));
	int fd = fs->open(fs, partlog_path(l, "partition.metadata"),
		O_WRONLY | O_CREAT | O_TRUNC);
	int r;

	if (fd < 0)
		return -1;
	r = fs_write_all(fs, fd, text, (size_t)n, 0);
	fs->close(fs, fd);
	return r;
}

/*
 * The directory of an earlier topic of this name may still be there, when a
 * crash came between its deletion and ours: it goes out of the way.
 */
int
partlog_make_dir(struct partlog *l)
{
	const struct fs *fs = l->store->fs;
	struct uuid owner;

	if (l->on_disk)
		return 0;
	if (fs->mkdir(fs, partlog_path(l, NULL)) < 0) {
		if (errno != EEXIST)
			return -1;
		if (partlog_owner(l, &owner) < 0)
			owner = uuid_random();
		if (!uuid_eq(&owner, &l->id)) {
			if (partlog_bury(l, &owner) < 0 ||
			    fs->mkdir(fs, partlog_path(l, NULL)) < 0)
				return -1;
			keeper_remove_dir(l->store->keeper, partlog_grave(
				l->store, &owner, l->partition));
		}
	}
	if (write_owner(l) < 0)
		return -1;
	l->on_disk = true;
	return 0;
}

/* ---- its segments ------------------------------------------------------- */

struct segment *
partlog_active(const struct partlog *l)
{
	return l->segments_n ? l->segments[l->segments_n - 1] : NULL;
}

void
partlog_push(struct partlog *l, struct segment *g)
{
	if (l->segments_n == l->segments_cap) {
		l->segments_cap = l->segments_cap ? l->segments_cap * 2 : 1;
		l->segments = xreallocarray(l->segments, (size_t)l->segments_cap,
			sizeof(struct segment *));
	}
	l->segments[l->segments_n++] = g;
}

int64_t
partlog_segment_end(const struct partlog *l, int i)
{
	return i + 1 < l->segments_n ? l->segments[i + 1]->base : l->end;
}

/* So that logs of one age do not all roll at once. */
static int64_t
choose_jitter(const struct log_config *c)
{
	int64_t max = c->segment_jitter_ms < c->segment_ms ? c->segment_jitter_ms :
		c->segment_ms;
	struct uuid u;
	uint32_t n;

	if (max <= 0)
		return 0;
	u = uuid_random();
	memcpy(&n, u.b, sizeof(n));
	return (int64_t)(n % (uint64_t)max);
}

int
partlog_roll(struct partlog *l)
{
	struct segment *old = partlog_active(l), *g;

	if (store_unmark(l->store) < 0 || partlog_make_dir(l) < 0)
		return -1;
	g = segment_new(l, l->end);
	if (segment_open(g, true) < 0) {
		segment_free(g);
		return -1;
	}
	if (old)
		segment_seal(old);
	partlog_push(l, g);
	g->extended = true;
	g->dirty = true;
	l->jitter_ms = choose_jitter(&l->config);
	if (l->config.preallocate)
		segment_preallocate(g);
	if (l->tail)
		l->tail->n = 0;
	partlog_touch(l);
	return 0;
}

struct listing {
	struct partlog *l;
	int64_t below; /* only segments with a lower base */
	struct segment **found;
	int n, cap;
};

static int
list_one(void *arg, const char *name)
{
	struct listing *x = arg;
	int64_t base = segment_base(name, ".log");

	if (base < 0 || base >= x->below)
		return 0;
	if (x->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 8;
		x->found = xreallocarray(x->found, (size_t)x->cap,
			sizeof(struct segment *));
	}
	x->found[x->n++] = segment_new(x->l, base);
	return 0;
}

static int
by_base(const void *a, const void *b)
{
	const struct segment *const *x = a, *const *y = b;

	return (*x)->base < (*y)->base ? -1 : (*x)->base > (*y)->base;
}

/*
 * Of segments that the checkpoint knew that was read: its name may not be on
 * disk, when a process was killed just before, and an older one is.
 */
int64_t
partlog_begun(const struct partlog *l)
{
	return l->store->was_clean ? -1 : 0;
}

int
partlog_list(struct partlog *l)
{
	const struct fs *fs = l->store->fs;
	struct listing x = { .l = l, .below = l->segments_n ?
		l->segments[0]->base : INT64_MAX };
	struct segment **known = l->segments;
	int known_n = l->segments_n;

	if (l->listed)
		return 0;
	if (fs->list(fs, partlog_path(l, NULL), list_one, &x) < 0) {
		free(x.found);
		return -1;
	}
	qsort(x.found, (size_t)x.n, sizeof(struct segment *), by_base);
	l->segments = NULL;
	l->segments_n = l->segments_cap = 0;
	for (int i = 0; i < x.n; i++) {
		segment_stat(x.found[i]);
		x.found[i]->begun = partlog_begun(l);
		aborted_adopt_file(&x.found[i]->aborted, fs,
			segment_path(x.found[i], ".txnindex"));
		partlog_push(l, x.found[i]);
	}
	for (int i = 0; i < known_n; i++)
		partlog_push(l, known[i]);
	free(known);
	free(x.found);
	l->listed = true;
	l->older_bytes = 0;
	l->older_n = 0;
	l->aborted_lost |= partlog_aborted_digest(l, l->older_start, x.n) !=
		l->older_aborted;
	l->older_aborted = 0;
	/* Files the log start left behind before a crash. */
	while (l->segments_n > 1 && l->segments[1]->base <= l->start)
		partlog_drop_first(l);
	if (l->segments_n && l->segments[0]->base > l->start)
		l->start = l->segments[0]->base;
	return 0;
}

int
partlog_segment_of(struct partlog *l, int64_t offset)
{
	int lo = 0, hi = l->segments_n;

	if (!l->listed && (!l->segments_n || offset < l->segments[0]->base) &&
	    partlog_list(l) < 0)
		return -1;
	hi = l->segments_n;
	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (l->segments[mid]->base <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : 0;
}

/* Its files go when nobody reads them any more. */
void
partlog_drop_first(struct partlog *l)
{
	static const char *const suffixes[] = { ".log", ".index", ".timeindex",
		".txnindex" };
	struct segment *g = l->segments[0];

	for (int i = 0; i < 3 + (g->aborted.n != 0); i++)
		turn_remove_after(l->store, segment_path(g, suffixes[i]),
			l->config.file_delete_delay_ms);
	l->segments_n--;
	memmove(l->segments, l->segments + 1,
		(size_t)l->segments_n * sizeof(struct segment *));
	segment_let_go(g);
	partlog_touch(l);
}

/* ---- DeleteRecords ------------------------------------------------------ */

bool
partlog_deletes(const struct partlog *l)
{
	return l->config.delete_old;
}

int16_t
partlog_delete_records(struct partlog *l, int64_t before, int64_t *log_start,
	uint64_t *commit)
{
	struct store *s = l->store;

	*log_start = l->start;
	*commit = 0;
	if (s->failed)
		return s->failed;
	if (before == -1)
		before = l->hw;
	if (before < 0 || before > l->hw)
		return KERR_OFFSET_OUT_OF_RANGE;
	if (before > l->start) {
		partlog_set_start(l, before);
		*log_start = before;
	}
	if (s->durable && !s->visible_at_once)
		*commit = commit_newest(s);
	return KERR_NONE;
}

void
partlog_set_start(struct partlog *l, int64_t start)
{
	l->start = start;
	l->kept_until = 0;
	partlog_touch(l);
	partlog_moved(l);
	if (l->store->durable)
		commit_note_start(l);
}
