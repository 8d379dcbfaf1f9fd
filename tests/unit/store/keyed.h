/*
 * keyed.h - a compacted log for tests: batches with keys, a cleaner that is
 * driven to its end, and what is left to be read.
 */
#ifndef KEYED_H
#define KEYED_H

#include "fixture.h"
#include "store/state.h"

enum { SEEN_MAX = 20000 };

/* Every roll is a segment of a few batches; anything dirty is cleaned. */
static const struct log_config compacted = {
	.segment_bytes = 1000, .segment_ms = INT64_MAX, .retention_ms = -1,
	.retention_bytes = -1, .index_interval_bytes = 200,
	.max_message_bytes = 1 << 20, .timestamp_before_max_ms = INT64_MAX,
	.timestamp_after_max_ms = INT64_MAX, .compression = -1, .compact = true,
	.delete_retention_ms = 1000,
};

static inline void
keyed_options(struct fixture *f)
{
	f->o.cleaner = true;
	f->o.cleaner_buffer = 1 << 20;
}

struct sender {
	int64_t pid;
	int16_t epoch;
	int32_t seq;
	int attributes; /* codec, BATCH_TRANSACTIONAL */
	int64_t ts;     /* of the next batch */
};

#define SENDER_INIT { .pid = -1, .epoch = -1, .seq = -1, .ts = T0 }

/* "k=v k2=v k3": keys with values; no '=' is a tombstone. */
static inline struct append_result
send_text(struct partlog *l, struct sender *s, const char *text)
{
	struct buf records = BUF_INIT, b = BUF_INIT;
	enum codec codec = s->attributes & BATCH_CODEC_MASK;
	struct append_result r;
	struct err e = ERR_INIT;
	int32_t n = 0;

	while (*text) {
		size_t len = strcspn(text, " "), key = strcspn(text, "= ");

		put_record(&records, n, n, slice_make(text, key), key < len ?
			slice_make(text + key + 1, len - key - 1) : SLICE_NULL);
		n++;
		text += len + (text[len] == ' ');
	}
	b.len = 0;
	memset(buf_reserve(&b, BATCH_HEADER), 0, BATCH_HEADER);
	b.len = BATCH_HEADER;
	if (codec == CODEC_NONE)
		buf_addslice(&b, buf_slice(&records));
	else if (codec_pack(codec, buf_slice(&records), &b, &e) < 0)
		abort();
	finish_batch(&b, s->attributes, n, s->ts, s->ts + n - 1, s->pid, s->epoch,
		s->seq);
	partlog_append(l, b.data, b.len, APPEND_CLIENT, &r);
	if (s->seq >= 0 && !r.error)
		s->seq += n;
	buf_release(&records);
	buf_release(&b);
	return r;
}

/* What one record left is. */
struct seen {
	int64_t offset, timestamp;
	char key[32], value[64]; /* "-" = null */
	bool control;
};

struct seen_list {
	struct seen at[SEEN_MAX];
	int n;
};

static inline int
see(void *arg, const struct log_record *r)
{
	struct seen_list *x = arg;
	struct seen *s = &x->at[x->n++];

	if (x->n == SEEN_MAX)
		abort();
	s->offset = r->offset;
	s->timestamp = r->timestamp;
	s->control = r->control;
	snprintf(s->key, sizeof(s->key), "%.*s", SLICE_ARG(r->key));
	snprintf(s->value, sizeof(s->value), "%.*s", r->value.data ?
		(int)r->value.len : 1, r->value.data ?
		(const char *)r->value.data : "-");
	return 0;
}

static inline struct seen_list *
see_all(struct partlog *l)
{
	static struct seen_list x;
	struct err e = ERR_INIT;

	x.n = 0;
	if (!CHECK_INT(partlog_scan(l, 0, see, &x, &e), 0))
		printf("# %s\n", e.msg);
	return &x;
}

/* All that is left, as "offset:key=value ..."; markers are "offset:!". */
static inline const char *
text_of(struct partlog *l)
{
	static char text[8192];
	struct seen_list *x = see_all(l);
	size_t n = 0;

	*text = '\0';
	for (int i = 0; i < x->n; i++) {
		struct seen *s = &x->at[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d:%s%s%s",
			i ? " " : "", (int)s->offset, s->control ? "!" : s->key,
			s->control ? "" : "=", s->control ? "" : s->value);
	}
	return text;
}

/* One turn of the loop. */
static inline void
turn(struct fixture *f)
{
	struct pollfd p = { f->wake, POLLIN, 0 };
	uint64_t n;

	store_flush(f->s);
	store_poll(f->s);
	if (poll(&p, 1, 1) > 0 && read(f->wake, &n, sizeof(n)) < 0)
		abort();
	store_poll(f->s);
}

/*
 * Time passes, checkpoints are written, until there is nothing left to be
 * cleaned. False after ten seconds.
 */
static inline bool
clean(struct fixture *f)
{
	uint64_t rounds;
	int64_t until = clock_mono_ms(clock_system()) + 10000;
	int quiet = 0;

	if (!fixture_wait(f, commit_newest(f->s)))
		return false;
	while (quiet < 3) {
		uint64_t checkpoints = f->s->checkpoints_done;

		if (clock_mono_ms(clock_system()) > until)
			return false;
		rounds = cleaner_rounds(f->s->cleaner);
		f->clock.fake_ms += 6000;
		f->s->checkpoint_due = true;
		store_tick(f->s);
		for (int i = 0; i < 2000 && (cleaner_is_busy(f->s->cleaner) ||
		    f->s->checkpoints_done == checkpoints); i++)
			turn(f);
		quiet = cleaner_rounds(f->s->cleaner) == rounds ? quiet + 1 : 0;
	}
	return true;
}

#endif
