/*
 * Any bytes as the files of a write-ahead log. Blocks that start with an odd
 * byte become frames with a fitting checksum, so that the checks behind the
 * checksum are reached, too.
 */
#include "store/wal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "base/xalloc.h"

enum { FILE_BYTES = 4 * WAL_BLOCK, NONCE = 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_frame(void *arg, const struct wal_frame *f)
{
	static uint8_t data[WAL_DATA_MAX];

	/* Of all but the newest group only the headers were read before. */
	if (wal_data(arg, f, data) < 0)
		abort();
	wal_frame_is(f, data);
}

static void
make_frame(uint8_t *p, size_t room)
{
	uint32_t n = be32_get(p + 80) % 6000;

	if (WAL_FRAME + n > room)
		n = 0;
	memcpy(p, "kcWL", 4);
	be32_put(p + 80, n);
	/* Small numbers, so that groups fit each other. */
	be64_put(p + 8, p[9] % 4);
	be64_put(p + 16, p[17] % 8);
	be64_put(p + 88, NONCE);
	be32_put(p + 4, crc32c(0, p + 8, WAL_FRAME - 8 + n));
}

/* Four open files; their names are gone at once. */
static struct wal *
open_wal(void)
{
	char dir[] = "/dev/shm/kc-fuzz-wal-XXXXXX", path[64];
	struct err e = ERR_INIT;
	struct wal *w;

	if (!mkdtemp(dir) || wal_open(&w, fs_posix(), dir, WAL_FILES * FILE_BYTES,
			true, false, &e) < 0)
		abort();
	w->nonce = NONCE;
	for (int i = 0; i < WAL_FILES; i++) {
		snprintf(path, sizeof(path), "%s/wal/%d", dir, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/wal", dir);
	if (rmdir(path) || rmdir(dir))
		abort();
	return w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t file[FILE_BYTES];
	static struct wal *w;
	struct err e = ERR_INIT;
	uint8_t hint = len ? *data : 0;

	if (!w)
		w = open_wal();
	for (int i = 0; i < WAL_FILES; i++) {
		size_t n = len < FILE_BYTES ? len : FILE_BYTES;

		memset(file, 0, sizeof(file));
		memcpy(file, data, n);
		data += n;
		len -= n;
		for (int k = 0; k < 4; k++)
			if (file[k * WAL_BLOCK] & 1)
				make_frame(file + k * WAL_BLOCK,
					(size_t)(FILE_BYTES - k * WAL_BLOCK));
		if (fs_write_all(fs_posix(), w->files[i].fd, file, FILE_BYTES, 0) < 0)
			abort();
	}
	for (int repair = 0; repair < 2; repair++) {
		/* The first byte also says where what is covered ended. */
		const struct wal_place from = { (int)(hint % (WAL_FILES + 1)),
			hint / 8 * WAL_BLOCK, 3 };
		uint64_t newest;

		wal_read(w, 2, &from, 0, repair, on_frame, w, &newest, &e);
		if (w->pos < 0 || w->pos > FILE_BYTES)
			abort();
	}
	return 0;
}
