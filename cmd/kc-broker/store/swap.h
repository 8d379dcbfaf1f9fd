/*
 * swap.h - the exchange of a group of segments for the one that compaction
 * made of them; see cleaner.h. The loop calls all of it; between two stages
 * the directory is synced by someone else.
 */
#ifndef STORE_SWAP_H
#define STORE_SWAP_H

#include <stdint.h>

#include "base/err.h"

struct compact_result;
struct compact_source;
struct partlog;
struct segment;

struct swap {
	struct partlog *log;   /* NULL = there is none under way */
	struct segment *made;  /* pinned */
	struct segment **old;  /* out of the log's list */
	int old_n;
	int64_t base, end;     /* offsets */
	int stage;             /* done: 1 = named .swap, 2 = the others are gone, 3 = named .log */
};

/* Takes the indexes of r. -1: nothing changed. */
int swap_begin(struct swap *w, struct partlog *l,
	const struct compact_source *sources, struct compact_result *r, struct err *e);
/* After each sync; 1 = there is another stage, 0 = it is done, -1 = it cannot go on. */
int swap_go_on(struct swap *w, struct err *e);
/*
 * The log goes with its directory, or stays as it is until a start that ends
 * the exchange: cleaner_recover().
 */
void swap_forget(struct swap *w);

#endif
