/*
 * fixture.h - a store in a directory of its own, driven as the broker's loop
 * drives it, and batches as producers send them.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/be.h"
#include "base/crc32c.h"
#include "base/varint.h"
#include "base/xalloc.h"
#include "store/batch.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/store.h"
#include "wire/errors.h"
#include "tap.h"

struct fixture {
	char dir[256];
	struct store *s;
	struct store_options o;
	struct clock clock;
	int wake;
	uint64_t committed;     /* by committed() */
	int16_t commit_error;
	char reports[8192];     /* every line */
	struct err e;
};

static const struct log_config test_config = {
	.segment_bytes = 1 << 30,
	.segment_ms = 7 * 24 * 3600 * 1000LL,
	.retention_ms = -1,
	.retention_bytes = -1,
	.index_interval_bytes = 4096,
	.max_message_bytes = 1048588,
	.delete_old = true,
	.timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = 3600 * 1000,
	.compression = -1,
};

/* A start of the clock that records may be around. */
#define T0 1800000000000LL

static inline void
fixture_wake(void *arg)
{
	struct fixture *f = arg;
	uint64_t one = 1;

	if (write(f->wake, &one, sizeof(one)) < 0)
		return;
}

static inline void
fixture_committed(void *arg, uint64_t seq, int16_t error)
{
	struct fixture *f = arg;

	f->committed = seq;
	if (error)
		f->commit_error = error;
}

static inline void
fixture_report(void *arg, bool warning, const char *line)
{
	struct fixture *f = arg;
	size_t n = strlen(f->reports);

	snprintf(f->reports + n, sizeof(f->reports) - n, "%s%s\n",
		warning ? "! " : "", line);
}

static inline void
fixture_init(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof(*f));
	if (!tmp) /* memory, where there is some: these tests do not test disks */
		tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(f->dir, sizeof(f->dir), "%s/kc-store-XXXXXX", tmp);
	if (!mkdtemp(f->dir))
		abort();
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->clock = clock_fake(T0);
	f->o = (struct store_options){
		.dir = f->dir, .fs = fs_posix(), .clock = &f->clock,
		.fsync = FSYNC_GROUP, .interval_ms = 10, .wal_bytes = 1 << 20,
		.wake = fixture_wake, .wake_arg = f,
		.committed = fixture_committed, .committed_arg = f,
		.report = fixture_report, .report_arg = f,
	};
}

static inline int
fixture_rm(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void
fixture_release(struct fixture *f)
{
	store_close(f->s, &f->e);
	close(f->wake);
	nftw(f->dir, fixture_rm, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct uuid
test_id(int n)
{
	struct uuid u = { { 1, 2, 3, 4, 5, 6, 0x40, 7, 0x80 } };

	u.b[15] = (uint8_t)n;
	return u;
}

static inline int
fixture_open(struct fixture *f)
{
	f->e = (struct err)ERR_INIT;
	return store_open(&f->s, &f->o, &f->e);
}

/* Until a thread of the store wakes the loop, for 10 ms at most. */
static inline void
fixture_sleep(struct fixture *f)
{
	struct pollfd p = { f->wake, POLLIN, 0 };
	uint64_t n;

	if (poll(&p, 1, 10) > 0 && read(f->wake, &n, sizeof(n)) < 0)
		abort();
}

/* Runs the loop until the commit ended; false after ten seconds. */
static inline bool
fixture_wait(struct fixture *f, uint64_t commit)
{
	for (int i = 0; i < 1000; i++) {
		store_flush(f->s);
		store_poll(f->s);
		if (store_committed(f->s) >= commit)
			return true;
		fixture_sleep(f);
	}
	return false;
}

/* The first commit is what the start found behind checkpoint and WAL. */
static inline bool
fixture_settle(struct fixture *f)
{
	return fixture_wait(f, commit_newest(f->s));
}

static inline struct partlog *
fixture_attach(struct fixture *f, const char *topic, int id, int partition,
	const struct log_config *c)
{
	struct uuid u = test_id(id);
	struct partlog *l = NULL;

	return store_attach(f->s, &u, slice_str(topic), partition,
		c ? c : &test_config, &l, &f->e) < 0 ? NULL : l;
}

/* Opens, attaches one log "t-0" and starts. NULL: f->e. */
static inline struct partlog *
fixture_start(struct fixture *f, const struct log_config *c)
{
	struct partlog *l;

	if (fixture_open(f) < 0)
		return NULL;
	l = fixture_attach(f, "t", 1, 0, c);
	if (!l || store_start(f->s, &f->e) < 0) {
		store_close(f->s, &(struct err)ERR_INIT);
		f->s = NULL;
		return NULL;
	}
	fixture_settle(f);
	return l;
}

/* -1: f->e. */
static inline int
fixture_stop(struct fixture *f)
{
	int result = store_close(f->s, &f->e);

	f->s = NULL;
	return result;
}

/* ---- batches ------------------------------------------------------------ */

static inline void
put_varint(struct buf *b, int64_t v)
{
	b->len += varlong_put(buf_reserve(b, VARLONG_MAX), v);
}

static inline void
put_record(struct buf *b, int64_t ts_delta, int32_t offset_delta, struct slice key,
	struct slice value)
{
	struct buf r = BUF_INIT;

	buf_addc(&r, 0);
	put_varint(&r, ts_delta);
	put_varint(&r, offset_delta);
	put_varint(&r, key.data ? (int64_t)key.len : -1);
	buf_addslice(&r, key);
	put_varint(&r, value.data ? (int64_t)value.len : -1);
	buf_addslice(&r, value);
	put_varint(&r, 0);
	put_varint(b, (int64_t)r.len);
	buf_addslice(b, buf_slice(&r));
	buf_release(&r);
}

/* Header in front of b's records (BATCH_HEADER bytes were left free there). */
static inline void
finish_batch(struct buf *b, int attributes, int32_t count, int64_t base_ts,
	int64_t max_ts, int64_t pid, int16_t epoch, int32_t seq)
{
	uint8_t *p = b->data;

	memset(p, 0, BATCH_HEADER);
	be32_put(p + 12, UINT32_MAX);
	p[16] = 2;
	be16_put(p + 21, (uint16_t)attributes);
	be32_put(p + 23, (uint32_t)(count - 1));
	be64_put(p + 27, (uint64_t)base_ts);
	be64_put(p + 35, (uint64_t)max_ts);
	be64_put(p + 43, (uint64_t)pid);
	be16_put(p + 51, (uint16_t)epoch);
	be32_put(p + 53, (uint32_t)seq);
	be32_put(p + 57, (uint32_t)count);
	batch_seal(p, b->len);
}

/* count records with values of size bytes, timestamps ts, ts + 1, ... */
static inline struct buf
make_batch(int32_t count, size_t size, int64_t ts, int64_t pid, int16_t epoch,
	int32_t seq)
{
	struct buf b = BUF_INIT;
	char *value = xcalloc(1, size);

	b.len = BATCH_HEADER;
	buf_grow(&b, BATCH_HEADER + (size + 32) * (size_t)count);
	for (int32_t i = 0; i < count; i++) {
		memset(value, 'a' + (i + seq) % 26, size);
		put_record(&b, i, i, SLICE_NULL, slice_make(value, size));
	}
	free(value);
	finish_batch(&b, 0, count, ts, ts + count - 1, pid, epoch, seq);
	return b;
}

static inline struct append_result
append_buf(struct partlog *l, struct buf *b)
{
	struct append_result r;

	partlog_append(l, b->data, b->len, APPEND_CLIENT, &r);
	return r;
}

/* One batch without producer; frees it. */
static inline struct append_result
append(struct partlog *l, int32_t count, size_t size)
{
	struct buf b = make_batch(count, size, T0, -1, -1, -1);
	struct append_result r = append_buf(l, &b);

	buf_release(&b);
	return r;
}

/* ---- looking ------------------------------------------------------------ */

/* Bytes of a range that partlog_read() gave. */
static inline struct buf
range_bytes(const struct wire_records *r)
{
	struct buf b = BUF_INIT;

	if (r->file && pread(r->file->fd, buf_reserve(&b, r->len), r->len, r->pos) ==
			(ssize_t)r->len)
		b.len = r->len;
	return b;
}

/*
 * Reads from the log start to `limit` and checks every batch: CRC, offsets
 * one behind the other, none twice. Returns the number of records, -1 = bad.
 */
static inline int64_t
verify_log(struct partlog *l, int64_t limit)
{
	int64_t offset = partlog_start(l), records = 0;

	while (offset < limit) {
		struct wire_records r;
		struct batch h;
		struct buf b;

		if (partlog_read(l, offset, limit, 100000, true, &r) || !r.len)
			return -1;
		b = range_bytes(&r);
		if (!b.len)
			return -1;
		for (size_t at = 0; at < b.len; at += (size_t)h.size) {
			batch_decode(b.data + at, &h);
			if (h.size < BATCH_HEADER || at + (size_t)h.size > b.len ||
			    !batch_crc_ok(b.data + at, &h) ||
			    h.base_offset > offset ||
			    h.base_offset + h.last_offset_delta < offset) {
				buf_release(&b);
				return -1;
			}
			records += h.base_offset + h.count - offset;
			offset = h.base_offset + h.last_offset_delta + 1;
		}
		buf_release(&b);
	}
	return records;
}

#endif
