/*
 * Any bytes as the index files of a segment: .index, .timeindex and
 * .txnindex, by the first byte. Every entry and every search of them is
 * within the file, whatever it says.
 */
#include "store/index.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/aborted.h"

enum { OFFSETS, TIMES, ABORTED, KINDS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
search(const struct index *x, enum index_key key)
{
	const struct fs *fs = fs_posix();
	int64_t n = index_count(x);
	const int64_t probes[] = { INT64_MIN, -1, 0, 1, 1000, UINT32_MAX, INT64_MAX };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		int64_t at = index_floor(x, fs, key, probes[i]);

		if (at < -1 || at >= n ||
		    (at >= 0 && index_key(x, fs, at, key) > probes[i]))
			abort();
	}
}

static void
read_index(const char *path, int kind, size_t len)
{
	uint8_t width = kind == OFFSETS ? OFFSET_ENTRY : TIME_ENTRY;
	const struct fs *fs = fs_posix();
	struct index x;

	index_init(&x, width, (uint32_t)(len / width));
	if (!index_ready(&x, fs, path, 1 << 20)) {
		search(&x, kind == OFFSETS ? INDEX_OFFSET : INDEX_TIME);
		if (kind == OFFSETS)
			search(&x, INDEX_POSITION);
	}
	index_release(&x, fs);
}

static void
read_aborted(const char *path)
{
	struct aborted x = { 0 }, again = { 0 };
	const struct fs *fs = fs_posix();
	struct aborted_txn t;
	int64_t stable;

	if (!aborted_adopt_file(&x, fs, path) && !aborted_load(&x, fs, path)) {
		for (uint32_t i = 0; i < x.n; i++)
			aborted_get(&x, i, &t, &stable);
		if (aborted_find(&x, 0) > x.n || aborted_find(&x, INT64_MAX) > x.n)
			abort();
		/* By its digest it is the same file. */
		aborted_adopt(&again, aborted_digest(&x));
		if (aborted_load(&again, fs, path))
			abort();
	}
	aborted_release(&x);
	aborted_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char path[] = "/dev/shm/kc-fuzz-index-XXXXXX";
	static int fd = -1;
	int kind;

	if (!len)
		return 0;
	if (fd < 0)
		fd = mkstemp(path);
	kind = data[0] % KINDS;
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data + 1, len - 1, 0) != (ssize_t)(len - 1))
		abort();
	if (kind == ABORTED)
		read_aborted(path);
	else
		read_index(path, kind, len - 1);
	return 0;
}
