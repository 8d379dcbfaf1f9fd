/*
 * retention.c - old segments go: by time, by size, and because the log start
 * has passed them.
 */
#include "store/state.h"

enum {
	EVERY_MS = 5 * 60 * 1000, /* a log is looked at, by default */
	LISTINGS = 16,            /* directories read per tick, at most */
	PRODUCER_MS = 24 * 3600 * 1000, /* a producer is remembered, by default */
};

/* May the oldest segment go? `total` are the bytes of all. */
static bool
is_expired(const struct partlog *l, int64_t now, int64_t total)
{
	struct segment *g = l->segments[0];
	int64_t newest;

	if (!l->config.delete_old)
		return false;
	/* Compaction has left nothing of it but its name. */
	if (!g->size && l->segments_n > 1)
		return true;
	if (l->config.retention_bytes >= 0 &&
	    total - g->size >= l->config.retention_bytes)
		return true;
	if (l->config.retention_ms < 0)
		return false;
	newest = segment_max_timestamp(g);
	if (newest < 0) /* records without timestamps are as old as their file */
		newest = l->store->fs->modified(l->store->fs, segment_path(g, ".log"));
	return newest >= 0 && now - newest > l->config.retention_ms;
}

static void
drop_expired(struct partlog *l, int64_t now)
{
	int64_t total = partlog_size(l), start = l->start;

	for (;;) {
		struct segment *g = l->segments_n ? l->segments[0] : NULL;

		if (!g || (l->segments_n == 1 && !g->size) ||
		    partlog_segment_end(l, 0) > l->hw)
			break;
		if (partlog_segment_end(l, 0) > start) {
			if (!is_expired(l, now, total))
				break;
			start = partlog_segment_end(l, 0);
		}
		if (l->segments_n == 1 && partlog_roll(l) < 0)
			break;
		total -= g->size;
		partlog_drop_first(l);
	}
	if (start > l->start)
		partlog_set_start(l, start);
}

void
retention_tick(struct store *s, int64_t now_mono)
{
	int64_t now = clock_wall_ms(s->o.clock);
	int64_t every = s->o.retention_check_ms ? s->o.retention_check_ms : EVERY_MS;
	int64_t producers = s->o.producer_expiration_ms ?
		s->o.producer_expiration_ms : PRODUCER_MS;
	int listings = 0;

	for (struct list *i = s->logs.next; i != &s->logs; i = i->next) {
		struct partlog *l = container_of(i, struct partlog, node);

		if (now_mono < l->kept_until || l->detached || l->cleaning)
			continue;
		if (!l->listed && (++listings > LISTINGS || partlog_list(l) < 0))
			continue;
		producers_expire(&l->producers, now - producers);
		drop_expired(l, now);
		l->kept_until = now_mono + every;
	}
}
