/*
 * fake_store.h - a store in memory, for the tests of meta: it can fail on
 * demand, and a "crash" leaves what was committed. Stands in for store.c and
 * partlog.c at link time; include it in one file of a test.
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdlib.h>

#include "base/xalloc.h"
#include "store/batch.h"
#include "store/partlog.h"
#include "store/store.h"
#include "wire/errors.h"

struct partlog {
	struct store *store;
	struct uuid topic_id;
	char topic[256];
	int32_t partition;
	struct log_config config;
	bool attached;
	struct buf *batches; /* by order; a batch begins at offsets[i] */
	int64_t *offsets;
	uint64_t *commits;
	int batches_n;
	int64_t start, end;
};

struct store {
	struct partlog metadata;
	struct partlog **logs; /* every one there ever was */
	int logs_n;
	uint64_t seq, committed;
	int16_t fail_append;   /* the error it gives, 0 = none */
	int attaches_left;     /* then store_attach() fails; -1 = never */
};

static inline struct store *
fake_store_new(void)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->metadata.store = s;
	s->attaches_left = -1;
	return s;
}

static inline void
fake_log_release(struct partlog *l)
{
	for (int i = 0; i < l->batches_n; i++)
		buf_release(&l->batches[i]);
	free(l->batches);
	free(l->offsets);
	free(l->commits);
}

static inline void
fake_store_free(struct store *s)
{
	for (int i = 0; i < s->logs_n; i++) {
		fake_log_release(s->logs[i]);
		free(s->logs[i]);
	}
	free(s->logs);
	fake_log_release(&s->metadata);
	free(s);
}

/* What a process that dies leaves behind: nothing attached, the uncommitted gone. */
static inline void
fake_store_crash(struct store *s)
{
	struct partlog *l = &s->metadata;

	while (l->batches_n && l->commits[l->batches_n - 1] > s->committed) {
		l->batches_n--;
		l->end = l->offsets[l->batches_n];
		buf_release(&l->batches[l->batches_n]);
	}
	for (int i = 0; i < s->logs_n; i++)
		s->logs[i]->attached = false;
	s->seq = s->committed;
}

static inline int
fake_store_attached(const struct store *s)
{
	int n = 0;

	for (int i = 0; i < s->logs_n; i++)
		n += s->logs[i]->attached;
	return n;
}

struct partlog *
store_metadata(struct store *s)
{
	return &s->metadata;
}

uint64_t
store_committed(const struct store *s)
{
	return s->committed;
}

int
store_attach(struct store *s, const struct uuid *topic_id, struct slice topic,
	int32_t partition, const struct log_config *c, struct partlog **out,
	struct err *e)
{
	struct partlog *l;

	if (!s->attaches_left)
		return err_set(e, ERR_IO, "cannot make the directory");
	s->attaches_left -= s->attaches_left > 0;
	l = xcalloc(1, sizeof(*l));
	l->store = s;
	l->topic_id = *topic_id;
	memcpy(l->topic, topic.data, topic.len);
	l->partition = partition;
	l->config = *c;
	l->attached = true;
	s->logs = xreallocarray(s->logs, (size_t)s->logs_n + 1, sizeof(*s->logs));
	s->logs[s->logs_n++] = l;
	*out = l;
	return 0;
}

void
store_detach(struct store *s, struct partlog *l)
{
	(void)s;
	CHECK(l->attached);
	l->attached = false;
}

void
partlog_set_config(struct partlog *l, const struct log_config *c)
{
	l->config = *c;
}

void
partlog_append(struct partlog *l, uint8_t *batch, size_t len,
	enum append_origin origin, struct append_result *r)
{
	int n = l->batches_n;
	struct batch b;

	*r = (struct append_result){ .base_offset = -1 };
	if (l->store->fail_append) {
		r->error = l->store->fail_append;
		return;
	}
	CHECK_INT(origin, APPEND_COORDINATOR);
	batch_decode(batch, &b);
	CHECK_INT(b.size, len);
	CHECK(batch_crc_ok(batch, &b));
	if (!(n & (n - 1))) { /* 0 or a power of two: full */
		size_t cap = n ? (size_t)n * 2 : 1;

		l->batches = xreallocarray(l->batches, cap, sizeof(*l->batches));
		l->offsets = xreallocarray(l->offsets, cap, sizeof(*l->offsets));
		l->commits = xreallocarray(l->commits, cap, sizeof(*l->commits));
	}
	l->batches[n] = (struct buf)BUF_INIT;
	buf_add(&l->batches[n], batch, len);
	l->offsets[n] = l->end;
	l->commits[n] = r->commit = ++l->store->seq;
	l->batches_n++;
	r->base_offset = l->end;
	l->end += b.count;
}

int
partlog_scan(struct partlog *l, int64_t offset,
	int (*fn)(void *arg, const struct log_record *r), void *arg, struct err *e)
{
	for (int i = 0; i < l->batches_n; i++) {
		const uint8_t *p = l->batches[i].data;
		struct buf tmp = BUF_INIT;
		struct batch_record br;
		struct slice records;
		struct batch b;
		int r = 0;

		batch_decode(p, &b);
		if (batch_open(p, &b, SIZE_MAX, &tmp, &records, e) < 0)
			return -1;
		while (!r && batch_next(&b, &records, &br) == 1) {
			struct log_record out = {
				.offset = l->offsets[i] + br.offset,
				.timestamp = br.timestamp,
				.key = br.key, .value = br.value,
				.producer_id = b.producer_id,
				.producer_epoch = b.producer_epoch,
				.transactional =
					b.attributes & BATCH_TRANSACTIONAL,
				.control = b.attributes & BATCH_CONTROL,
			};

			if (out.offset >= offset)
				r = fn(arg, &out);
		}
		buf_release(&tmp);
		if (r)
			return r;
	}
	return 0;
}

const char *
partlog_topic(const struct partlog *l)
{
	return l == &l->store->metadata ? "__kc_metadata" : l->topic;
}

int64_t
partlog_start(const struct partlog *l)
{
	return l->start;
}

int64_t
partlog_high_watermark(const struct partlog *l)
{
	int64_t hw = 0;

	for (int i = 0; i < l->batches_n; i++)
		if (l->commits[i] <= l->store->committed)
			hw = i + 1 < l->batches_n ? l->offsets[i + 1] : l->end;
	return hw;
}

int16_t
partlog_delete_records(struct partlog *l, int64_t before, int64_t *log_start,
	uint64_t *commit)
{
	CHECK(before <= partlog_high_watermark(l));
	l->start = before;
	*log_start = before;
	*commit = ++l->store->seq;
	return 0;
}

#endif
