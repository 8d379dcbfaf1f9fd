/*
 * Any bytes as a checkpoint, with a fitting checksum: it is read or refused,
 * and so is what it says of each log and of its producers.
 */
#include "store/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "store/producers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_entry(void *arg, struct slice entry)
{
	struct checkpoint_log l;
	struct producers p;
	struct buf again = BUF_INIT;

	(void)arg;
	if (checkpoint_get(entry, &l) < 0)
		return;
	producers_init(&p);
	/* What was read is saved as something that can be read. */
	if (!producers_load(&p, &l.producers)) {
		struct slice in;

		producers_save(&p, &again);
		in = buf_slice(&again);
		producers_clear(&p);
		if (producers_load(&p, &in))
			abort();
	}
	producers_clear(&p);
	free(p.by_id);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char dir[] = "/dev/shm/kc-fuzz-checkpoint-XXXXXX", path[64];
	static FILE *f;
	struct checkpoint_head head;
	struct buf file = BUF_INIT;
	struct err e = ERR_INIT;
	uint8_t sum[4];

	if (!f) {
		if (!mkdtemp(dir))
			abort();
		snprintf(path, sizeof(path), "%s/checkpoint", dir);
		f = fopen(path, "w");
	}
	be32_put(sum, crc32c(0, data, len));
	if (!f || ftruncate(fileno(f), 0) ||
	    pwrite(fileno(f), data, len, 0) != (ssize_t)len ||
	    pwrite(fileno(f), sum, 4, (off_t)len) != 4)
		abort();
	checkpoint_read(fs_posix(), dir, &file, &head, on_entry, NULL, &e);
	buf_release(&file);
	return 0;
}
