/* The write-ahead log alone: laps, torn groups, damage. */
#include "store/wal.h"

#include <sys/mman.h>

#include "fixture.h"
#include "simfs.h"

static struct fs fast;
static const struct wal_place unknown = { .file = -1 };

struct seen {
	const struct wal *w;
	uint64_t commits[4096];
	int n, damaged, frames;
	int64_t bytes; /* of data */
	uint64_t newest;
};

static void
on_frame(void *arg, const struct wal_frame *f)
{
	struct seen *s = arg;
	uint8_t *data = xmalloc(f->length + 1);

	CHECK_INT(wal_data(s->w, f, data), 0);
	s->damaged += !wal_frame_is(f, data);
	for (uint32_t i = 0; i < f->length; i++)
		if (data[i] != (uint8_t)(f->commit + i))
			CHECK(s->damaged);
	free(data);
	s->frames++;
	s->bytes += f->length;
	if (!s->n || s->commits[s->n - 1] != f->commit)
		s->commits[s->n++] = f->commit;
}

static int
read_wal(struct fixture *f, struct wal *w, uint64_t covered, bool repair,
	struct seen *s)
{
	*s = (struct seen){ .w = w };
	return wal_read(w, covered, &unknown, 0, repair, on_frame, s, &s->newest, &f->e);
}

static struct wal *
open_wal(struct fixture *f, int64_t bytes)
{
	struct wal *w = NULL;
	struct seen s;

	CHECK_INT(wal_open(&w, &fast, f->dir, bytes, true, false, &f->e), 0);
	w->nonce = 77;
	CHECK_INT(read_wal(f, w, 0, true, &s), 0);
	return w;
}

/* A group of `frames` frames with n bytes each; false when there is no room. */
static bool
put_group(struct wal *w, uint64_t commit, int frames, uint32_t n)
{
	uint8_t *data = xmalloc(n);
	int fd = memfd_create("wal", MFD_CLOEXEC);
	bool room;

	for (uint32_t i = 0; i < n; i++)
		data[i] = (uint8_t)(commit + i);
	CHECK(pwrite(fd, data, n, 0) == (ssize_t)n);
	room = wal_begin(w, frames * wal_frame_size(n));
	for (int i = 0; room && i < frames; i++) {
		struct wal_frame f = { .commit = commit, .length = n,
			.flags = i == frames - 1 ? WAL_LAST : 0 };

		CHECK_INT(wal_put(w, &f, fd), 0);
	}
	if (room)
		CHECK_INT(wal_end(w, commit), 0);
	close(fd);
	free(data);
	return room;
}

static void
groups_are_read_back_in_order(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;

	fixture_init(&f);
	w = open_wal(&f, 1 << 20);
	for (uint64_t c = 1; c <= 60; c++)
		CHECK(put_group(w, c, 1 + (int)c % 5, (uint32_t)c * 10));
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 60);
	CHECK_INT(s.newest, 60);
	CHECK_INT(read_wal(&f, w, 55, false, &s), 0);
	CHECK_INT(s.n, 5);
	CHECK_INT(s.commits[0], 56);
	wal_close(w);
	fixture_release(&f);
}

/* Data as on_frame() wants it, from the byte `from` on. */
static uint8_t *
data_of(uint64_t commit, size_t from, size_t n)
{
	static uint8_t data[300000];

	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(commit + from + i);
	return data;
}

static bool
is_even(void *arg, uint32_t owner)
{
	(void)arg;
	return owner % 2 == 0;
}

/*
 * Frames 0 to 3, of which the even ones are wanted, number 2 made longer
 * twice; and one behind them that is read from a file when `rest`.
 */
static void
put_staged(struct wal *w, struct wal_stage *g, uint64_t commit, size_t n, bool rest)
{
	int fd = memfd_create("wal", MFD_CLOEXEC);
	struct wal_frame f = { .commit = commit, .length = (uint32_t)n };

	g->len = 0;
	for (uint32_t i = 0; i < 4; i++) {
		uint8_t *p = data_of(commit + (i % 2 ? 9 : 0), 0, n);

		f.crc = crc32c(0, p, n);
		CHECK(wal_stage_add(g, &f, i, p));
		CHECK_INT(g->owner, i);
		for (int k = 1; i == 2 && k < 3; k++) {
			p = data_of(commit, (size_t)k * n, n);
			CHECK(wal_stage_extend(g, p, n, 5, crc32c(g->crc, p, n)));
		}
	}
	CHECK(pwrite(fd, data_of(commit, 0, n), n, 0) == (ssize_t)n);
	CHECK(wal_begin(w, wal_block_up((int64_t)g->len) + wal_frame_size(n)));
	CHECK_INT(wal_put_stage(w, g, commit, !rest, is_even, NULL), 0);
	f.flags = WAL_LAST;
	if (rest)
		CHECK_INT(wal_put(w, &f, fd), 0);
	CHECK_INT(wal_end(w, commit), 0);
	close(fd);
}

static void
frames_made_in_advance_are_read_back(void)
{
	struct wal_stage g = { 0 };
	int64_t bytes = 0;
	struct fixture f;
	struct seen s;
	struct wal *w;

	fixture_init(&f);
	w = open_wal(&f, 32 << 20);
	for (uint64_t c = 1; c <= 40; c++) {
		size_t n = c % 4 ? c * 11 : c * 2500;

		put_staged(w, &g, c, n, c % 3 == 0);
		bytes += (int64_t)(c % 3 ? 4 * n : 5 * n);
	}
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 40);
	CHECK_INT(s.damaged, 0);
	CHECK_INT(s.frames, 40 * 2 + 13);
	CHECK_INT(s.bytes, bytes);
	wal_stage_release(&g);
	wal_close(w);
	fixture_release(&f);
}

static void
a_stage_has_an_end(void)
{
	struct wal_stage g = { 0 };
	struct wal_frame f = { .length = 300000 };
	uint8_t *p = data_of(1, 0, 300000);
	int n = 0;

	while (wal_stage_add(&g, &f, 0, p))
		n++;
	CHECK_INT(n, WAL_STAGE_MAX / 300000);
	CHECK(!wal_stage_extend(&g, p, 300000, 0, 0));
	CHECK(wal_stage_extend(&g, p, 10, 0, 0)); /* and it is as it was */
	CHECK(g.len <= g.cap && g.cap <= WAL_STAGE_MAX);
	wal_stage_release(&g);
}

/* A file system that takes O_DIRECT when a file is opened, and not when it is written. */
static int direct_fd[WAL_FILES], direct_n, refused;

static int
open_direct(const struct fs *fs, const char *path, int flags)
{
	int fd = fs_posix()->open(fs, path, flags & ~O_DIRECT);

	if (fd >= 0 && flags & O_DIRECT && direct_n < WAL_FILES)
		direct_fd[direct_n++] = fd;
	return fd;
}

static ssize_t
pwrite_direct(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
	for (int i = 0; i < direct_n; i++)
		if (fd == direct_fd[i]) {
			refused++;
			errno = EINVAL;
			return -1;
		}
	return fs_posix()->pwrite(fs, fd, p, n, at);
}

static int
close_direct(const struct fs *fs, int fd)
{
	for (int i = 0; i < direct_n; i++)
		if (fd == direct_fd[i])
			direct_fd[i] = -1;
	return fs_posix()->close(fs, fd);
}

static void
where_direct_writes_are_refused_others_do(void)
{
	struct fs picky = fast;
	struct fixture f;
	struct seen s;
	struct wal *w = NULL;

	picky.open = open_direct;
	picky.pwrite = pwrite_direct;
	picky.close = close_direct;
	fixture_init(&f);
	CHECK_INT(wal_open(&w, &picky, f.dir, 8 << 20, true, false, &f.e), 0);
	w->nonce = 77;
	CHECK_INT(read_wal(&f, w, 0, true, &s), 0);
	for (uint64_t c = 1; c <= 20; c++)
		CHECK(put_group(w, c, 2, 50000));
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 20);
	CHECK(refused > 0 && refused <= WAL_FILES);
	wal_close(w);
	fixture_release(&f);
}

static void
a_full_log_waits_for_its_checkpoint(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (put_group(w, c + 1, 1, 3000))
		c++;
	CHECK_INT(c, 64);
	CHECK_INT(wal_used(w), wal_size(w));
	/* Half of them are in a checkpoint. */
	atomic_store(&w->released, 40);
	for (int i = 0; i < 2 * 16; i++)
		CHECK(put_group(w, ++c, 1, 3000));
	CHECK(!put_group(w, c + 1, 1, 3000));
	CHECK_INT(read_wal(&f, w, 40, false, &s), 0);
	CHECK_INT(s.n, c - 40);
	CHECK_INT(s.commits[0], 41);
	CHECK_INT(s.commits[s.n - 1], c);
	wal_close(w);
	fixture_release(&f);
}

static void
many_laps_and_starts(void)
{
	struct fixture f;
	struct seen s;
	uint64_t c = 0, covered = 0;
	uint32_t rnd = 7;

	fixture_init(&f);
	for (int start = 0; start < 30; start++) {
		struct wal *w = open_wal(&f, 128 << 10);

		CHECK_INT(read_wal(&f, w, covered, false, &s), 0);
		CHECK_INT(s.n, c - covered);
		CHECK(!s.n || s.commits[0] == covered + 1);
		atomic_store(&w->released, covered);
		for (int i = 0; i < 25; i++) {
			if (!put_group(w, c + 1, 1 + (int)(sim_random(&rnd) % 4),
					sim_random(&rnd) % 4000)) {
				covered = c;
				atomic_store(&w->released, covered);
				continue;
			}
			c++;
		}
		wal_close(w);
	}
	fixture_release(&f);
}

/* A group that was not finished does not count, whatever of it is missing. */
static void
a_torn_group_does_not_count(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint8_t saved[512], zero[512] = { 0 };
	int64_t from, to;

	fixture_init(&f);
	w = open_wal(&f, 1 << 20);
	for (uint64_t c = 1; c <= 5; c++)
		put_group(w, c, 3, 700);
	from = w->pos;
	put_group(w, 6, 4, 2500);
	to = w->pos;
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 6);
	for (int64_t at = from; at < from + 4 * wal_frame_size(2500); at += 512) {
		CHECK(pread(w->files[0].fd, saved, 512, at) == 512);
		CHECK(pwrite(w->files[0].fd, zero, 512, at) == 512);
		CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
		CHECK_INT(s.n, 5);
		CHECK_INT(w->pos, from);
		CHECK(pwrite(w->files[0].fd, saved, 512, at) == 512);
	}
	/* What is left of one is no part of what is written over it. */
	CHECK(pwrite(w->files[0].fd, zero, 512, from) == 512);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	put_group(w, 6, 1, 100);
	CHECK(w->pos < to);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 6);
	/* Damage in front of it is damage, as it was written later. */
	for (int64_t at = 0; at < from; at += 1001) {
		uint8_t c;

		if (at % 4096 >= 3 * wal_frame_size(700))
			continue; /* padding */
		CHECK(pread(w->files[0].fd, &c, 1, at) == 1);
		c ^= 1;
		CHECK(pwrite(w->files[0].fd, &c, 1, at) == 1);
		CHECK(read_wal(&f, w, 0, false, &s) < 0 || s.damaged == 1);
		CHECK_INT(read_wal(&f, w, 0, true, &s), 0);
		CHECK_INT(s.newest, 6);
		c ^= 1;
		CHECK(pwrite(w->files[0].fd, &c, 1, at) == 1);
	}
	wal_close(w);
	fixture_release(&f);
}

/*
 * A group that was begun in the next file is torn; after a start smaller ones
 * go on in this one. What is left of it says nothing about their order.
 */
static void
a_torn_group_in_the_next_file_is_not_newer(void)
{
	enum { FRAMES = 3, BYTES = 15000 };
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (c < 5)
		CHECK(put_group(w, ++c, 1, 3000));
	CHECK(put_group(w, c + 1, FRAMES, BYTES));
	CHECK_INT(w->current, 1);
	CHECK(pwrite(w->files[1].fd, "x", 1, 2 * BYTES) == 1);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.newest, c);
	CHECK_INT(w->current, 0);
	for (int i = 0; i < 6; i++)
		CHECK(put_group(w, ++c, 1, 3000));
	for (uint64_t covered = 0; covered <= c; covered++) {
		CHECK_INT(read_wal(&f, w, covered, false, &s), 0);
		CHECK_INT(s.n, c - covered);
		CHECK_INT(w->current, 0);
		CHECK_INT(w->previous, c);
	}
	/* The file is as good as empty. */
	while (w->current == 0)
		CHECK(put_group(w, ++c, 1, 3000));
	CHECK_INT(w->current, 1);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, c);
	wal_close(w);
	fixture_release(&f);
}

/*
 * All groups are in a checkpoint, and the next one was torn where the newest
 * file begins: nothing is read, and what comes is newer all the same.
 */
static void
epochs_of_files_that_are_not_read_count(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0, covered, epoch;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (w->current < 2)
		CHECK(put_group(w, ++c, 2, 1500));
	covered = c;
	epoch = w->epoch;
	CHECK(pwrite(w->files[2].fd, "torn", 4, wal_frame_size(1500)) == 4);
	CHECK_INT(read_wal(&f, w, covered, false, &s), 0);
	CHECK_INT(s.n, 0);
	CHECK(w->epoch > epoch);
	atomic_store(&w->released, covered);
	for (int i = 0; i < 3; i++)
		CHECK(put_group(w, ++c, 1, 3000));
	CHECK_INT(read_wal(&f, w, covered, false, &s), 0);
	CHECK_INT(s.n, 3);
	wal_close(w);
	fixture_release(&f);
}

/* Of a group that was begun again, later, only the first frame is on disk. */
static void
frames_of_two_lives_are_no_group(void)
{
	enum { FRAMES = 3, BYTES = 700 };
	uint8_t old[FRAMES * 1024], zero[WAL_FRAME] = { 0 };
	size_t one = (size_t)wal_frame_size(BYTES), left = one * (FRAMES - 1);
	struct fixture f;
	struct seen s;
	struct wal *w;
	int64_t from;

	fixture_init(&f);
	w = open_wal(&f, 1 << 20);
	for (uint64_t c = 1; c <= 5; c++)
		put_group(w, c, FRAMES, BYTES);
	from = w->pos;
	put_group(w, 6, FRAMES, BYTES);
	CHECK(left <= sizeof(old));
	CHECK(pread(w->files[0].fd, old, left, from + (int64_t)one) == (ssize_t)left);
	CHECK(pwrite(w->files[0].fd, zero, sizeof(zero), from) == sizeof(zero));
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 5);
	CHECK_INT(w->pos, from);
	put_group(w, 6, FRAMES, BYTES);
	CHECK(pwrite(w->files[0].fd, old, left, from + (int64_t)one) == (ssize_t)left);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 5);
	wal_close(w);
	fixture_release(&f);
}

/*
 * The pieces of two lives that left nothing whole: the later frames of the
 * one, the first frame of the other, in a group of the same number and place.
 */
static void
pieces_of_two_starts_are_no_group(void)
{
	enum { FRAMES = 3, BYTES = 4000 };
	uint8_t piece[WAL_BLOCK], nothing[WAL_BLOCK] = { 0 };
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0;
	int64_t at;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (c < 5)
		CHECK(put_group(w, ++c, 1, 3000));
	at = w->pos;
	CHECK_INT(wal_frame_size(BYTES), WAL_BLOCK);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK(put_group(w, c + 1, FRAMES, BYTES));
	CHECK(pwrite(w->files[0].fd, nothing, WAL_BLOCK, at) == WAL_BLOCK);
	CHECK(pread(w->files[0].fd, piece, WAL_BLOCK, at + WAL_BLOCK) == WAL_BLOCK);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.newest, c);
	CHECK_INT(w->pos, at);
	CHECK(put_group(w, c + 1, FRAMES, BYTES));
	CHECK(pwrite(w->files[0].fd, piece, WAL_BLOCK, at + WAL_BLOCK) == WAL_BLOCK);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.newest, c);
	wal_close(w);
	fixture_release(&f);
}

/*
 * A group of which the disk said that it had no room, but that is there: its
 * commit was synced otherwise, and the next one does not know it.
 */
static void
a_group_that_failed_is_not_missed(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (c < 15)
		CHECK(put_group(w, ++c, 1, 3000));
	w->files[w->current].newest = w->previous = c - 1;
	w->pos -= WAL_BLOCK;
	w->epoch++;
	CHECK(put_group(w, ++c, 3, 3000)); /* in the next file */
	CHECK_INT(w->current, 1);
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.newest, c);
	wal_close(w);
	fixture_release(&f);
}

/* Made by a start that did not come far, or lost. */
static void
a_file_that_is_missing_is_named(void)
{
	struct wal *w = NULL;
	struct fixture f;
	char path[300];

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	wal_close(w);
	snprintf(path, sizeof(path), "%s/wal/2", f.dir);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(wal_open(&w, &fast, f.dir, 1 << 20, false, false, &f.e), 0);
	CHECK(!w);
	w = open_wal(&f, 256 << 10);
	CHECK(put_group(w, 1, 1, 100));
	wal_close(w);
	CHECK_INT(unlink(path), 0);
	for (int create = 0; create < 2; create++) {
		CHECK_INT(wal_open(&w, &fast, f.dir, 1 << 20, create, false, &f.e), -1);
		CHECK(strstr(f.e.msg, "wal/2' is missing") && !w);
	}
	fixture_release(&f);
}

/* The last group of a file is damaged, and those after it are in the next. */
static void
a_group_missing_between_files_is_damage(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;
	uint64_t c = 0;
	int64_t at = 0, end = 0;

	fixture_init(&f);
	w = open_wal(&f, 256 << 10);
	while (w->current == 0) {
		at = end;
		end = w->pos;
		CHECK(put_group(w, ++c, 1, 3000));
	}
	CHECK(pwrite(w->files[0].fd, "x", 1, at + WAL_FRAME + 10) == 1);
	CHECK_INT(read_wal(&f, w, 0, false, &s), -1);
	CHECK_INT(f.e.code, ERR_CORRUPT);
	CHECK_INT(read_wal(&f, w, 0, true, &s), 0);
	CHECK_INT(s.n, c - 1);
	/* Nobody needs it any more. */
	CHECK_INT(read_wal(&f, w, c - 1, false, &s), 0);
	CHECK_INT(s.n, 1);
	wal_close(w);
	fixture_release(&f);
}

static int
read_from(struct fixture *f, struct wal *w, uint64_t covered,
	const struct wal_place *from, struct seen *s)
{
	*s = (struct seen){ .w = w };
	return wal_read(w, covered, from, 0, false, on_frame, s, &s->newest, &f->e);
}

/* What is covered need not even be well. */
static void
reading_begins_behind_what_is_covered(void)
{
	struct wal_place end;
	struct fixture f;
	struct seen s;
	struct wal *w;

	fixture_init(&f);
	w = open_wal(&f, 1 << 20);
	for (uint64_t c = 1; c <= 5; c++)
		CHECK(put_group(w, c, 3, 3000));
	end = wal_place(w);
	CHECK_INT(read_from(&f, w, 5, &end, &s), 0);
	CHECK_INT(s.n, 0);
	/* The next start goes on where this one would have. */
	CHECK(w->current == end.file && w->pos == end.pos && w->epoch > end.epoch);
	for (uint64_t c = 6; c <= 10; c++)
		CHECK(put_group(w, c, 3, 3000));
	CHECK(pwrite(w->files[0].fd, "xxxx", 4, 3 * WAL_BLOCK) == 4);
	CHECK_INT(read_from(&f, w, 5, &end, &s), 0);
	CHECK(s.n == 5 && s.commits[0] == 6 && s.newest == 10);
	CHECK_INT(read_from(&f, w, 5, &unknown, &s), -1);
	wal_close(w);
	fixture_release(&f);
}

/* All was covered, so that the file was begun again. */
static void
a_lap_that_was_begun_since_is_read_from_its_start(void)
{
	struct wal_place end;
	struct fixture f;
	struct seen s;
	struct wal *w;

	fixture_init(&f);
	w = open_wal(&f, 1 << 20);
	for (uint64_t c = 1; c <= 9; c++)
		CHECK(put_group(w, c, 3, 3000));
	end = wal_place(w);
	atomic_store(&w->released, 9);
	for (uint64_t c = 10; c <= 12; c++)
		CHECK(put_group(w, c, 3, 3000));
	CHECK(w->current == end.file && w->pos < end.pos);
	CHECK_INT(read_from(&f, w, 9, &end, &s), 0);
	CHECK(s.n == 3 && s.commits[0] == 10 && s.newest == 12);
	/* And once there is a place in the new one, the old groups behind are none. */
	end = (struct wal_place){ w->current, w->pos, w->epoch };
	CHECK_INT(read_from(&f, w, 12, &end, &s), 0);
	CHECK_INT(s.n, 0);
	CHECK_INT(s.newest, 12);
	wal_close(w);
	fixture_release(&f);
}

static void
groups_larger_than_one_write_fit(void)
{
	struct fixture f;
	struct seen s;
	struct wal *w;

	fixture_init(&f);
	w = open_wal(&f, 64 << 20);
	CHECK(put_group(w, 1, 12, 1000000));
	CHECK(put_group(w, 2, 1, 0));
	CHECK(!put_group(w, 3, 20, 1000000)); /* larger than a file */
	CHECK_INT(read_wal(&f, w, 0, false, &s), 0);
	CHECK_INT(s.n, 2);
	wal_close(w);
	fixture_release(&f);
}

int
main(void)
{
	fast = fast_fs();
	RUN(groups_are_read_back_in_order);
	RUN(frames_made_in_advance_are_read_back);
	RUN(a_stage_has_an_end);
	RUN(where_direct_writes_are_refused_others_do);
	RUN(a_full_log_waits_for_its_checkpoint);
	RUN(many_laps_and_starts);
	RUN(a_torn_group_does_not_count);
	RUN(a_torn_group_in_the_next_file_is_not_newer);
	RUN(epochs_of_files_that_are_not_read_count);
	RUN(frames_of_two_lives_are_no_group);
	RUN(pieces_of_two_starts_are_no_group);
	RUN(a_group_that_failed_is_not_missed);
	RUN(a_file_that_is_missing_is_named);
	RUN(a_group_missing_between_files_is_damage);
	RUN(reading_begins_behind_what_is_covered);
	RUN(a_lap_that_was_begun_since_is_read_from_its_start);
	RUN(groups_larger_than_one_write_fit);
	return tap_done();
}
