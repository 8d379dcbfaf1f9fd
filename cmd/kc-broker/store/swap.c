#include "store/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/cleaner.h"
#include "store/compact.h"
#include "store/state.h"

enum { NAME_BYTES = 64 };

static const char *const indexes[] = { ".index", ".timeindex", ".txnindex" };
enum { INDEXES = sizeof(indexes) / sizeof(indexes[0]) };

static char *
path_of(const struct partlog *l, int64_t base, const char *suffix)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%020" PRId64 "%s", base, suffix);
	return xstrdup(partlog_path(l, name));
}

static char *
swap_path(const struct partlog *l, int64_t base, int64_t end)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%020" PRId64 "-%020" PRId64 ".swap", base, end);
	return xstrdup(partlog_path(l, name));
}

static void
remove_indexes(const struct partlog *l, int64_t base)
{
	const struct fs *fs = l->store->fs;

	for (int i = 0; i < INDEXES; i++) {
		char *path = path_of(l, base, indexes[i]);

		fs->unlink(fs, path);
		free(path);
	}
}

/* Out of the way at once; removed file.delete.delay.ms later. */
static int
put_aside(struct partlog *l, int64_t base, struct err *e)
{
	struct store *s = l->store;
	char *from = path_of(l, base, ".log"), *to = path_of(l, base, ".log.deleted");
	int r = s->fs->rename(s->fs, from, to);

	if (!r)
		turn_remove_after(s, to, l->config.file_delete_delay_ms);
	else if (errno == ENOENT)
		r = 0;
	else
		err_errno(e, ERR_IO, "cannot rename '%s'", from);
	free(from);
	free(to);
	return r;
}

/* ---- the three stages --------------------------------------------------- */

static struct segment *
make_segment(struct partlog *l, int64_t base, const char *path,
	struct compact_result *r)
{
	struct store *s = l->store;
	struct segment *g = segment_new(l, base);

	g->file.fd = s->fs->open(s->fs, path, O_RDWR);
	if (g->file.fd < 0) {
		segment_free(g);
		return NULL;
	}
	list_append(&s->open_segments, &g->lru);
	s->open_n++;
	g->size = r->size;
	g->first_timestamp = r->first_timestamp;
	g->max_timestamp = r->max_timestamp;
	g->max_timestamp_offset = r->max_timestamp_offset;
	g->since_entry = r->since_entry;
	g->offsets = r->offsets;
	g->times = r->times;
	g->extended = g->times_known = g->named = g->pinned = true;
	g->begun = -1;
	index_init(&r->offsets, OFFSET_ENTRY, 0);
	index_init(&r->times, TIME_ENTRY, 0);
	return g;
}

/* The new one takes the places of the old ones in the log. */
static void
replace(struct swap *w, int at, int n)
{
	struct partlog *l = w->log;

	w->old = xcalloc((size_t)n, sizeof(struct segment *));
	w->old_n = n;
	memcpy(w->old, l->segments + at, (size_t)n * sizeof(struct segment *));
	l->segments[at] = w->made;
	l->segments_n -= n - 1;
	memmove(l->segments + at + 1, l->segments + at + n,
		(size_t)(l->segments_n - at - 1) * sizeof(struct segment *));
}

int
swap_begin(struct swap *w, struct partlog *l, const struct compact_source *sources,
	struct compact_result *r, struct err *e)
{
	const struct fs *fs = l->store->fs;
	int64_t base = sources[r->first].base, end = sources[r->first + r->n - 1].end;
	int at = partlog_segment_of(l, base);
	char *from = path_of(l, base, ".log.cleaned"), *to = swap_path(l, base, end);
	struct segment *made = NULL;
	int result = -1;

	/* Nobody else drops segments of a log that is being cleaned. */
	for (int i = 0; i < r->n; i++)
		if (at < 0 || at + i >= l->segments_n ||
		    l->segments[at + i]->base != sources[r->first + i].base) {
			err_set(e, ERR_FAILED, "'%s' has changed", to);
			goto out;
		}
	made = make_segment(l, base, from, r);
	if (!made || fs->rename(fs, from, to) < 0) {
		err_errno(e, ERR_IO, "cannot rename '%s'", from);
		goto out;
	}
	*w = (struct swap){ .log = l, .made = made, .base = base, .end = end,
		.stage = 1 };
	replace(w, at, r->n);
	partlog_touch(l);
	made = NULL;
	result = 0;
out:
	if (made)
		segment_free(made);
	if (result < 0)
		fs->unlink(fs, from);
	free(from);
	free(to);
	return result;
}

/* Who still reads an old one goes on: its file is open. */
static void
let_go(struct swap *w)
{
	for (int i = 0; i < w->old_n; i++)
		segment_let_go(w->old[i]);
	free(w->old);
	*w = (struct swap){ 0 };
}

static int
remove_others(struct swap *w, struct err *e)
{
	for (int i = 0; i < w->old_n; i++) {
		remove_indexes(w->log, w->old[i]->base);
		if (i && put_aside(w->log, w->old[i]->base, e) < 0)
			return -1;
	}
	return 0;
}

static int
take_name(struct swap *w, struct err *e)
{
	struct partlog *l = w->log;
	const struct fs *fs = l->store->fs;
	char *from = swap_path(l, w->base, w->end);
	char *to = path_of(l, w->base, ".log");
	int r = put_aside(l, w->base, e);

	if (!r && fs->rename(fs, from, to) < 0)
		r = err_errno(e, ERR_IO, "cannot rename '%s'", from);
	free(from);
	free(to);
	if (r < 0)
		return -1;
	w->made->pinned = false;
	segment_store_index(w->made);
	return 0;
}

int
swap_go_on(struct swap *w, struct err *e)
{
	switch (w->stage++) {
	case 1:
		return remove_others(w, e) < 0 ? -1 : 1;
	case 2:
		/* Synced, too: a start after a clean end looks for no .swap. */
		return take_name(w, e) < 0 ? -1 : 1;
	}
	let_go(w);
	return 0;
}

void
swap_forget(struct swap *w)
{
	if (w->log)
		let_go(w);
}

/* ---- after a crash ------------------------------------------------------ */

struct leftovers {
	struct partlog *l;
	int64_t (*swaps)[2]; /* base and end */
	int n;
};

static bool
ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

bool
cleaner_is_leftover(const char *name)
{
	return ends_with(name, ".cleaned") || ends_with(name, ".deleted") ||
		ends_with(name, ".swap");
}

static int
find_leftover(void *arg, const char *name)
{
	struct leftovers *x = arg;
	const struct fs *fs = x->l->store->fs;
	struct err e = ERR_INIT;
	int64_t base, end;

	if (ends_with(name, ".cleaned") || ends_with(name, ".deleted")) {
		fs->unlink(fs, partlog_path(x->l, name));
	} else if (strlen(name) == 46 && ends_with(name, ".swap") &&
	    !num_int(slice_make(name, 20), 0, INT64_MAX, &base, &e) &&
	    !num_int(slice_make(name + 21, 20), 0, INT64_MAX, &end, &e)) {
		x->swaps = xreallocarray(x->swaps, (size_t)x->n + 1, sizeof(*x->swaps));
		x->swaps[x->n][0] = base;
		x->swaps[x->n++][1] = end;
	}
	return 0;
}

/* A file of a segment that a .swap stands for goes; but not its first .log. */
static int
remove_swapped(void *arg, const char *name)
{
	struct leftovers *x = arg;
	const struct fs *fs = x->l->store->fs;
	int64_t base = segment_base(name, NULL);

	for (int i = 0; i < x->n; i++)
		if (base >= x->swaps[i][0] && base < x->swaps[i][1] &&
		    (base > x->swaps[i][0] || strcmp(name + 20, ".log")))
			fs->unlink(fs, partlog_path(x->l, name));
	return 0;
}

int
cleaner_recover(struct partlog *l, struct err *e)
{
	const struct fs *fs = l->store->fs;
	struct leftovers x = { .l = l };
	int result = -1;

	if (fs->list(fs, partlog_path(l, NULL), find_leftover, &x) < 0) {
		err_errno(e, ERR_IO, "cannot list '%s'", partlog_path(l, NULL));
		goto out;
	}
	if (!x.n)
		return 0;
	/* The .swap names may not be on disk themselves. */
	if (fs_sync_dir(fs, partlog_path(l, NULL)) < 0 ||
	    fs->list(fs, partlog_path(l, NULL), remove_swapped, &x) < 0 ||
	    fs_sync_dir(fs, partlog_path(l, NULL)) < 0) {
		err_errno(e, ERR_IO, "cannot sync '%s'", partlog_path(l, NULL));
		goto out;
	}
	for (int i = 0; i < x.n; i++) {
		char *from = swap_path(l, x.swaps[i][0], x.swaps[i][1]);
		char *to = path_of(l, x.swaps[i][0], ".log");
		int r = fs->rename(fs, from, to);

		if (r < 0)
			err_errno(e, ERR_IO, "cannot rename '%s'", from);
		free(from);
		free(to);
		if (r < 0)
			goto out;
	}
	if (fs_sync_dir(fs, partlog_path(l, NULL)) < 0) {
		err_errno(e, ERR_IO, "cannot sync '%s'", partlog_path(l, NULL));
		goto out;
	}
	result = 0;
out:
	free(x.swaps);
	return result;
}
