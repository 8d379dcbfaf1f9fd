/*
 * replay_latest.c - --latest-per-key: a first reading of the whole range finds
 * the last offset of each key of each partition, as compaction would. Records
 * without a key are all kept.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "kafka/replayer.h"

struct latest {
	struct slice key;  /* the partition's number, then the key */
	int64_t offset;
};

struct replay_latest {
	struct map by_key;
	struct arena memory;
	struct buf key;    /* scratch */
};

static struct slice
key_of(struct replay_latest *l, const struct record *r)
{
	buf_clear(&l->key);
	buf_add(&l->key, &r->partition, sizeof(r->partition));
	buf_addslice(&l->key, r->key);
	return buf_slice(&l->key);
}

static void
note(struct replay_latest *l, const struct record *r)
{
	struct slice key;
	struct latest *k;

	if (slice_is_null(r->key))
		return;
	key = key_of(l, r);
	k = map_get(&l->by_key, key);
	if (!k) {
		k = arena_alloc(&l->memory, sizeof(*k));
		k->key = arena_copy(&l->memory, key);
		map_put(&l->by_key, k->key, k);
	}
	k->offset = r->offset;
}

/* The range from its very beginning, also when a job is gone on with. */
static int
read_range(struct replayer *r, struct replay_source *in, struct err *e)
{
	const struct record *rec;
	int part;

	for (;;) {
		switch (in->peek(in, -1, &rec, &part, e)) {
		case CONSUME_RECORD:
			if (replay_selects(&r->select, rec))
				note(r->latest, rec);
			in->take(in);
			break;
		case CONSUME_IDLE:
			break;
		case CONSUME_END:
			return 0;
		default:
			return -1;
		}
	}
}

int
replay_latest_build(struct replayer *r, struct err *e)
{
	struct replay_job whole = r->job;
	struct replay_source *in = NULL;
	int result;

	whole.parts = xcalloc((size_t)whole.parts_n, sizeof(*whole.parts));
	for (int i = 0; i < whole.parts_n; i++) {
		whole.parts[i] = r->job.parts[i];
		whole.parts[i].next = whole.parts[i].from;
	}
	for (int i = 0; i < r->job.gaps_n; i++)
		for (int k = 0; k < whole.parts_n; k++)
			if (whole.parts[k].partition == r->job.gaps[i].partition &&
			    whole.parts[k].next < r->job.gaps[i].to)
				whole.parts[k].next = r->job.gaps[i].to;
	r->latest = xcalloc(1, sizeof(*r->latest));
	result = (whole.spec.archive ? replay_source_archive(&in, &whole, false, e) :
		replay_source_topic(&in, r->o->source_conf, &whole, false,
		r->o->timeout_ms, e)) || read_range(r, in, e) ? -1 : 0;
	if (in)
		in->close(in);
	free(whole.parts);
	return result ? err_wrap(e, "--latest-per-key") : 0;
}

bool
replay_latest_has(struct replay_latest *l, const struct record *r)
{
	const struct latest *k;

	if (slice_is_null(r->key))
		return true;
	k = map_get(&l->by_key, key_of(l, r));
	return k && k->offset == r->offset;
}

void
replay_latest_free(struct replay_latest *l)
{
	if (!l)
		return;
	map_release(&l->by_key);
	arena_release(&l->memory);
	buf_release(&l->key);
	free(l);
}
