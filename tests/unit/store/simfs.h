/*
 * simfs.h - a file system for tests: the real one below, but it can be told
 * to fail, and it remembers what was done to it, so that the disk can be
 * shown as a power cut would have left it at any moment.
 *
 * What is promised after a cut is what POSIX promises, and no more: bytes of
 * a file from before its last fdatasync, names in a directory from before
 * its last fsync. Everything later may be there or not, page by page; names
 * in the order in which they were made.
 */
#ifndef SIMFS_H
#define SIMFS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "store/fs.h"

enum sim_kind { SIM_WRITE, SIM_TRUNCATE, SIM_SYNC, SIM_SYNC_ALL, SIM_NAME,
	SIM_FAILED, SIM_FAILED_ALL }; /* syncs: what was to be synced is on its own */

struct sim_op {
	enum sim_kind kind;
	int node;            /* file, or directory of a SIM_NAME */
	int64_t at;          /* position, or the new size; of a sync the operations before it */
	uint8_t *data;
	size_t len;
	char *gone, *made;   /* SIM_NAME: entries; either may be NULL */
	int child;           /* what `made` names */
	bool is_dir;         /* and it is a new directory */
};

struct simfs {
	struct fs fs;
	const struct fs *real;
	const char *root;    /* directory that is watched */
	pthread_mutex_t lock;
	bool recording;
	struct sim_op *ops;
	size_t ops_n, ops_cap;
	struct { char *path; int node; } *names;
	int names_n, names_cap;
	int nodes_n;
	int node_of_fd[4096]; /* 0 = not ours */
	/* faults */
	int64_t space;       /* bytes that can still be written, -1 = no end */
	int sync_error;      /* errno of every sync of a file */
	bool held;           /* syncs wait while this is set */
	_Atomic bool waiting; /* one does */
	_Atomic int failures; /* of syncs */
	int64_t calls, fail_at; /* of those that change the disk; this one fails */
	int fail_with;       /* with this errno, 0 = none does */
	int short_writes;    /* every write stops after this many bytes */
	uint32_t delays;     /* not 0: calls take their time, by chance */
};

static inline struct simfs *
sim_of(const struct fs *fs)
{
	return fs->ctx;
}

/* Is this call the one that fails? */
static inline bool
sim_fails(struct simfs *s)
{
	if (!s->fail_with || s->calls++ != s->fail_at)
		return false;
	errno = s->fail_with;
	return true;
}

static inline uint32_t
sim_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Now and then another thread comes first. */
static inline void
sim_delay(struct simfs *s)
{
	struct timespec pause = { 0, 0 };
	uint32_t n;

	if (!s->delays)
		return;
	pthread_mutex_lock(&s->lock);
	n = sim_random(&s->delays);
	s->delays |= 1;
	pthread_mutex_unlock(&s->lock);
	pause.tv_nsec = (long)(n / 16 % 150) * 1000;
	if (n % 16 == 0)
		nanosleep(&pause, NULL);
	else if (n % 16 < 4)
		sched_yield();
}

static inline struct sim_op *
sim_op(struct simfs *s, enum sim_kind kind, int node)
{
	if (s->ops_n == s->ops_cap) {
		s->ops_cap = s->ops_cap ? s->ops_cap * 2 : 256;
		s->ops = xreallocarray(s->ops, s->ops_cap, sizeof(*s->ops));
	}
	s->ops[s->ops_n] = (struct sim_op){ .kind = kind, .node = node };
	return &s->ops[s->ops_n++];
}

static inline int *
sim_find(struct simfs *s, const char *path)
{
	for (int i = 0; i < s->names_n; i++)
		if (!strcmp(s->names[i].path, path))
			return &s->names[i].node;
	return NULL;
}

static inline void
sim_name(struct simfs *s, const char *path, int node)
{
	if (s->names_n == s->names_cap) {
		s->names_cap = s->names_cap ? s->names_cap * 2 : 64;
		s->names = xreallocarray(s->names, (size_t)s->names_cap,
			sizeof(*s->names));
	}
	s->names[s->names_n].path = xstrdup(path);
	s->names[s->names_n++].node = node;
}

static inline void
sim_unname(struct simfs *s, const char *path)
{
	for (int i = 0; i < s->names_n; i++)
		if (!strcmp(s->names[i].path, path)) {
			free(s->names[i].path);
			s->names[i--] = s->names[--s->names_n];
		}
}

static inline int
sim_parent(struct simfs *s, const char *path)
{
	char *dir = xmemdup0(path, (size_t)(strrchr(path, '/') - path));
	int *node = sim_find(s, dir);

	free(dir);
	return node ? *node : 0;
}

static inline void
sim_link(struct simfs *s, const char *path, int node)
{
	struct sim_op *op = sim_op(s, SIM_NAME, sim_parent(s, path));

	op->made = xstrdup(strrchr(path, '/') + 1);
	op->child = node;
	sim_name(s, path, node);
}

static inline int
simfs_open(const struct fs *fs, const char *path, int flags)
{
	struct simfs *s = sim_of(fs);
	int fd, *node;

	pthread_mutex_lock(&s->lock);
	fd = (flags & O_CREAT) && sim_fails(s) ? -1 :
		s->real->open(s->real, path, flags);
	if (fd >= 0 && fd < 4096 && s->recording) {
		node = sim_find(s, path);
		if (!node && (flags & O_CREAT)) {
			sim_link(s, path, ++s->nodes_n);
			node = sim_find(s, path);
		}
		s->node_of_fd[fd] = node ? *node : 0;
		if (node && (flags & O_TRUNC))
			sim_op(s, SIM_TRUNCATE, *node)->at = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return fd;
}

static inline int
simfs_close(const struct fs *fs, int fd)
{
	struct simfs *s = sim_of(fs);
	int r;

	pthread_mutex_lock(&s->lock);
	s->node_of_fd[fd] = 0;
	r = s->real->close(s->real, fd);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline ssize_t
simfs_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
	struct simfs *s = sim_of(fs);
	ssize_t r;

	sim_delay(s);
	pthread_mutex_lock(&s->lock);
	if (sim_fails(s)) {
		pthread_mutex_unlock(&s->lock);
		return -1;
	}
	if (s->space >= 0 && (int64_t)n > s->space)
		n = (size_t)s->space;
	if (s->short_writes && n > (size_t)s->short_writes)
		n = (size_t)s->short_writes;
	if (!n) {
		pthread_mutex_unlock(&s->lock);
		errno = ENOSPC;
		return -1;
	}
	r = s->real->pwrite(s->real, fd, p, n, at);
	if (r > 0 && s->space >= 0)
		s->space -= r;
	if (r > 0 && s->recording && s->node_of_fd[fd]) {
		struct sim_op *op = sim_op(s, SIM_WRITE, s->node_of_fd[fd]);

		op->at = at;
		op->len = (size_t)r;
		op->data = xmemdup(p, op->len);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
sim_sync(const struct fs *fs, int fd, enum sim_kind kind)
{
	struct simfs *s = sim_of(fs);
	size_t before;
	int error;

	pthread_mutex_lock(&s->lock);
	before = s->ops_n;
	pthread_mutex_unlock(&s->lock);
	sim_delay(s);
	pthread_mutex_lock(&s->lock);
	while (s->held) {
		s->waiting = true;
		pthread_mutex_unlock(&s->lock);
		poll(NULL, 0, 1);
		pthread_mutex_lock(&s->lock);
	}
	error = sim_fails(s) ? s->fail_with : s->sync_error;
	s->failures += error != 0;
	if (s->recording)
		sim_op(s, !error ? kind : kind == SIM_SYNC ? SIM_FAILED :
			SIM_FAILED_ALL, s->node_of_fd[fd])->at = (int64_t)before;
	pthread_mutex_unlock(&s->lock);
	sim_delay(s);
	errno = error;
	return error ? -1 : 0;
}

static inline int
simfs_sync(const struct fs *fs, int fd)
{
	return sim_sync(fs, fd, SIM_SYNC);
}

static inline int
simfs_syncfs(const struct fs *fs, int fd)
{
	return sim_sync(fs, fd, SIM_SYNC_ALL);
}

static inline int
simfs_ftruncate(const struct fs *fs, int fd, int64_t size)
{
	struct simfs *s = sim_of(fs);
	int r;

	pthread_mutex_lock(&s->lock);
	r = sim_fails(s) ? -1 : s->real->ftruncate(s->real, fd, size);
	if (!r && s->recording && s->node_of_fd[fd])
		sim_op(s, SIM_TRUNCATE, s->node_of_fd[fd])->at = size;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
simfs_fallocate(const struct fs *fs, int fd, bool keep_size, int64_t at, int64_t n)
{
	struct simfs *s = sim_of(fs);
	int r;

	(void)fd, (void)keep_size, (void)at, (void)n;
	pthread_mutex_lock(&s->lock);
	r = sim_fails(s) ? -1 : 0;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
simfs_rename(const struct fs *fs, const char *from, const char *to)
{
	struct simfs *s = sim_of(fs);
	int r;

	sim_delay(s);
	pthread_mutex_lock(&s->lock);
	r = sim_fails(s) ? -1 : s->real->rename(s->real, from, to);
	if (!r && s->recording) {
		struct sim_op *op = sim_op(s, SIM_NAME, sim_parent(s, from));
		size_t n = strlen(from);

		op->gone = xstrdup(strrchr(from, '/') + 1);
		op->made = xstrdup(strrchr(to, '/') + 1);
		op->child = *sim_find(s, from);
		sim_unname(s, to);
		sim_name(s, to, op->child);
		/* What is below a directory goes with it. */
		for (int i = 0; i < s->names_n; i++) {
			char *old = s->names[i].path;
			struct buf b = BUF_INIT;

			if (strncmp(old, from, n) || old[n] != '/')
				continue;
			buf_addf(&b, "%s%s", to, old + n);
			s->names[i].path = xstrdup(buf_cstr(&b));
			buf_release(&b);
			free(old);
		}
		sim_unname(s, from);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
sim_remove(const struct fs *fs, const char *path,
	int (*remove_)(const struct fs *fs, const char *path))
{
	struct simfs *s = sim_of(fs);
	int r;

	pthread_mutex_lock(&s->lock);
	r = sim_fails(s) ? -1 : remove_(s->real, path);
	if (!r && s->recording) {
		sim_op(s, SIM_NAME, sim_parent(s, path))->gone =
			xstrdup(strrchr(path, '/') + 1);
		sim_unname(s, path);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
simfs_unlink(const struct fs *fs, const char *path)
{
	return sim_remove(fs, path, fs_posix()->unlink);
}

static inline int
simfs_rmdir(const struct fs *fs, const char *path)
{
	return sim_remove(fs, path, fs_posix()->rmdir);
}

static inline int
simfs_mkdir(const struct fs *fs, const char *path)
{
	struct simfs *s = sim_of(fs);
	int r;

	pthread_mutex_lock(&s->lock);
	r = sim_fails(s) ? -1 : s->real->mkdir(s->real, path);
	if (!r && s->recording) {
		sim_link(s, path, ++s->nodes_n);
		s->ops[s->ops_n - 1].is_dir = true;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline int
sim_no_sync(const struct fs *fs, int fd)
{
	(void)fs, (void)fd;
	return 0;
}

/* The real one without its syncs: for tests whose machine stays up. */
static inline struct fs
fast_fs(void)
{
	struct fs fs = *fs_posix();

	fs.fdatasync = fs.fsync = fs.syncfs = sim_no_sync;
	return fs;
}

static inline void
simfs_init(struct simfs *s, const char *root, bool recording)
{
	memset(s, 0, sizeof(*s));
	s->real = fs_posix();
	s->fs = *s->real;
	s->fs.ctx = s;
	s->fs.open = simfs_open;
	s->fs.close = simfs_close;
	s->fs.pwrite = simfs_pwrite;
	s->fs.fdatasync = s->fs.fsync = simfs_sync;
	s->fs.syncfs = simfs_syncfs;
	s->fs.ftruncate = simfs_ftruncate;
	s->fs.fallocate = simfs_fallocate;
	s->fs.rename = simfs_rename;
	s->fs.unlink = simfs_unlink;
	s->fs.rmdir = simfs_rmdir;
	s->fs.mkdir = simfs_mkdir;
	s->space = -1;
	s->recording = recording;
	s->root = root;
	pthread_mutex_init(&s->lock, NULL);
	sim_name(s, root, ++s->nodes_n); /* node 1 */
}

static inline void
simfs_release(struct simfs *s)
{
	for (size_t i = 0; i < s->ops_n; i++) {
		free(s->ops[i].data);
		free(s->ops[i].gone);
		free(s->ops[i].made);
	}
	free(s->ops);
	for (int i = 0; i < s->names_n; i++)
		free(s->names[i].path);
	free(s->names);
	pthread_mutex_destroy(&s->lock);
}

/* Takes what is below `path` (a directory that is known) as being on disk. */
static inline void
sim_load(struct simfs *s, const char *path)
{
	struct buf below = BUF_INIT;
	struct dirent *entry;
	DIR *d = opendir(path);

	while ((entry = readdir(d))) {
		struct sim_op *op;
		struct stat st;
		int fd;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		buf_clear(&below);
		buf_addf(&below, "%s/%s", path, entry->d_name);
		fd = open(buf_cstr(&below), O_RDONLY);
		if (fd < 0 || fstat(fd, &st))
			abort();
		sim_link(s, buf_cstr(&below), ++s->nodes_n);
		s->ops[s->ops_n - 1].is_dir = S_ISDIR(st.st_mode);
		if (S_ISDIR(st.st_mode)) {
			sim_load(s, buf_cstr(&below));
		} else {
			op = sim_op(s, SIM_WRITE, s->nodes_n);
			op->len = (size_t)st.st_size;
			op->data = xmalloc(op->len);
			if (read(fd, op->data, op->len) != st.st_size)
				abort();
		}
		close(fd);
	}
	closedir(d);
	buf_release(&below);
	sim_op(s, SIM_SYNC_ALL, 0)->at = (int64_t)s->ops_n;
}

/* ---- the disk after a power cut ------------------------------------------- */

/* What becomes of that which was not synced. */
enum sim_fate {
	SIM_LOSE, SIM_KEEP, SIM_MIX,
	SIM_OLD_ROOT, /* all is kept but names in the root: those only when synced */
	SIM_NEW_ROOT, /* all is lost but names in the root */
};

struct sim_entry {
	char *name;
	int node;
};

struct sim_node {
	bool is_dir;
	struct buf bytes;
	struct sim_entry *entries;
	int entries_n;
};

static inline void
sim_apply_bytes(struct sim_node *n, const struct sim_op *op, enum sim_fate fate,
	uint32_t *rnd)
{
	size_t old = n->bytes.len, end = (size_t)op->at + op->len;

	if (fate == SIM_LOSE || fate == SIM_NEW_ROOT)
		return;
	if (op->kind == SIM_TRUNCATE) {
		if (fate == SIM_MIX && sim_random(rnd) % 2)
			return;
		end = (size_t)op->at;
		if (end > old)
			memset(buf_reserve(&n->bytes, end - old), 0, end - old);
		n->bytes.len = end;
		return;
	}
	if (end > old) {
		memset(buf_reserve(&n->bytes, end - old), 0, end - old);
		n->bytes.len = end;
	}
	for (size_t at = (size_t)op->at; at < end; ) {
		size_t stop = (at / 512 + 1) * 512;

		if (stop > end)
			stop = end;
		if (fate != SIM_MIX || sim_random(rnd) % 2)
			memcpy(n->bytes.data + at, op->data + (at - (size_t)op->at),
				stop - at);
		at = stop;
	}
}

static inline void
sim_apply_name(struct sim_node *dir, const struct sim_op *op)
{
	for (int pass = 0; pass < 2; pass++) {
		const char *name = pass ? op->made : op->gone;

		for (int i = 0; name && i < dir->entries_n; i++)
			if (!strcmp(dir->entries[i].name, name)) {
				free(dir->entries[i].name);
				dir->entries[i--] = dir->entries[--dir->entries_n];
			}
	}
	if (!op->made)
		return;
	dir->entries = xreallocarray(dir->entries, (size_t)dir->entries_n + 1,
		sizeof(*dir->entries));
	dir->entries[dir->entries_n++] = (struct sim_entry){ xstrdup(op->made),
		op->child };
}

static inline void
sim_materialise(const struct sim_node *nodes, int node, const char *path)
{
	const struct sim_node *n = &nodes[node];
	struct buf below = BUF_INIT;
	int fd;

	if (n->is_dir) {
		mkdir(path, 0700);
		for (int i = 0; i < n->entries_n; i++) {
			buf_clear(&below);
			buf_addf(&below, "%s/%s", path, n->entries[i].name);
			sim_materialise(nodes, n->entries[i].node,
				buf_cstr(&below));
		}
		buf_release(&below);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, n->bytes.data, n->bytes.len) != (ssize_t)n->bytes.len)
		abort();
	close(fd);
}

/*
 * Which of the first `until` writes are on disk for sure? Those from before
 * a sync began, unless one that failed came in between. Owned.
 */
static inline bool *
sim_durable(const struct simfs *s, size_t until)
{
	size_t nodes_n = (size_t)s->nodes_n + 1;
	int64_t *synced = xcalloc(nodes_n, sizeof(*synced));
	bool *durable = xcalloc(until + 1, sizeof(*durable));

	for (size_t i = until; i-- > 0; ) {
		const struct sim_op *op = &s->ops[i];
		bool all = op->kind == SIM_SYNC_ALL || op->kind == SIM_FAILED_ALL;
		bool ok = op->kind == SIM_SYNC || op->kind == SIM_SYNC_ALL;

		if (op->kind == SIM_WRITE || op->kind == SIM_TRUNCATE)
			durable[i] = synced[op->node] > (int64_t)i;
		else if (op->kind != SIM_NAME)
			for (size_t k = all ? 0 : (size_t)op->node;
			    k < (all ? nodes_n : (size_t)op->node + 1); k++)
				synced[k] = !ok ? 0 : synced[k] > op->at ? synced[k] : op->at;
	}
	free(synced);
	return durable;
}

/* How many operations of each directory are there? Of the later names a first part. Owned. */
static inline size_t *
sim_names_ends(const struct simfs *s, size_t until, enum sim_fate fate, uint32_t *rnd)
{
	size_t *ends = xcalloc((size_t)s->nodes_n + 1, sizeof(*ends)), all = 0;

	for (size_t i = 0; i < until; i++) {
		const struct sim_op *op = &s->ops[i];
		size_t *end = op->kind == SIM_SYNC_ALL ? &all : &ends[op->node];

		if ((op->kind == SIM_SYNC || op->kind == SIM_SYNC_ALL) &&
		    *end < (size_t)op->at)
			*end = (size_t)op->at;
	}
	for (int i = 1; i <= s->nodes_n; i++) {
		if (ends[i] < all)
			ends[i] = all;
		if (fate == SIM_KEEP || (fate == SIM_OLD_ROOT && i > 1) ||
		    (fate == SIM_NEW_ROOT && i == 1))
			ends[i] = until;
		else if (fate == SIM_MIX)
			ends[i] += sim_random(rnd) % (until - ends[i] + 1);
	}
	return ends;
}

/* What the disk may hold when the power goes after `until` operations. */
static inline struct sim_node *
sim_tree(const struct simfs *s, size_t until, enum sim_fate fate, uint32_t seed)
{
	struct sim_node *nodes = xcalloc((size_t)s->nodes_n + 1, sizeof(*nodes));
	bool *durable = sim_durable(s, until);
	size_t *names_end = sim_names_ends(s, until, fate, &seed);

	nodes[1].is_dir = true;
	for (size_t i = 0; i < until; i++) {
		const struct sim_op *op = &s->ops[i];

		if (op->kind == SIM_NAME && op->is_dir)
			nodes[op->child].is_dir = true;
		if (op->kind == SIM_NAME && i < names_end[op->node])
			sim_apply_name(&nodes[op->node], op);
		else if (op->kind == SIM_WRITE || op->kind == SIM_TRUNCATE)
			sim_apply_bytes(&nodes[op->node], op,
				durable[i] ? SIM_KEEP : fate, &seed);
	}
	free(durable);
	free(names_end);
	return nodes;
}

static inline void
sim_tree_free(const struct simfs *s, struct sim_node *nodes)
{
	for (int i = 1; i <= s->nodes_n; i++) {
		for (int k = 0; k < nodes[i].entries_n; k++)
			free(nodes[i].entries[k].name);
		free(nodes[i].entries);
		buf_release(&nodes[i].bytes);
	}
	free(nodes);
}

/* Writes to `path` what the disk may hold when the power goes after `until` ops. */
static inline void
sim_cut(const struct simfs *s, size_t until, enum sim_fate fate, uint32_t seed,
	const char *path)
{
	struct sim_node *nodes = sim_tree(s, until, fate, seed);

	sim_materialise(nodes, 1, path);
	sim_tree_free(s, nodes);
}

static inline void
sim_names_of(struct simfs *s, const struct sim_node *nodes, int node, const char *path)
{
	struct buf below = BUF_INIT;

	for (int i = 0; i < nodes[node].entries_n; i++) {
		const struct sim_entry *entry = &nodes[node].entries[i];

		buf_clear(&below);
		buf_addf(&below, "%s/%s", path, entry->name);
		sim_name(s, buf_cstr(&below), entry->node);
		sim_names_of(s, nodes, entry->node, buf_cstr(&below));
	}
	buf_release(&below);
}

/*
 * The process is killed after `until` operations, of one more as many bytes
 * as `torn` says; the machine stays up. Writes to `path` what the next
 * process finds; `next` watches it, and knows what was not synced before.
 */
static inline void
simfs_fork(struct simfs *next, const struct simfs *s, size_t until, size_t torn,
	const char *path)
{
	struct sim_node *nodes;

	simfs_init(next, path, true);
	next->nodes_n = s->nodes_n;
	for (size_t i = 0; i < s->ops_n && i < until + (torn > 0); i++) {
		const struct sim_op *from = &s->ops[i];
		struct sim_op *op;

		if (i == until && (from->kind != SIM_WRITE || from->len <= torn))
			break;
		op = sim_op(next, from->kind, from->node);
		*op = *from;
		op->len = i == until ? torn : from->len;
		op->data = from->data ? xmemdup(from->data, op->len) : NULL;
		op->gone = from->gone ? xstrdup(from->gone) : NULL;
		op->made = from->made ? xstrdup(from->made) : NULL;
	}
	nodes = sim_tree(next, next->ops_n, SIM_KEEP, 1);
	sim_materialise(nodes, 1, path);
	sim_names_of(next, nodes, 1, path);
	sim_tree_free(next, nodes);
}

#endif
