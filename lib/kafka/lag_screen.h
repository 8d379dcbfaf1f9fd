/*
 * lag_screen.h - what kc-lag --watch shows: groups, the partitions and the
 * members of one, as lines of text for a screen of any size, and what a key
 * does. No I/O: snapshots, keys, size and time come in, text goes out.
 */
#ifndef KAFKA_LAG_SCREEN_H
#define KAFKA_LAG_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "model/lag.h"

enum lag_screen_view { LAG_SCREEN_GROUPS, LAG_SCREEN_PARTITIONS, LAG_SCREEN_MEMBERS };

enum lag_screen_order {
	LAG_ORDER_STATUS,   /* the worst first, then lag */
	LAG_ORDER_LAG,
	LAG_ORDER_AGE,
	LAG_ORDER_RATE,     /* consumed a second */
	LAG_ORDER_ETA,
	LAG_ORDER_NAME,
};

enum lag_screen_wish {
	LAG_SCREEN_NOTHING, /* the key meant nothing: no need to draw */
	LAG_SCREEN_DRAW,
	LAG_SCREEN_MEASURE, /* at once */
	LAG_SCREEN_QUIT,
};

/* How lags went: the latest last. */
struct screen_history;

struct lag_screen {
	/* set by the caller, any time */
	int width, height;
	bool utf8, color;
	int64_t every_ms;          /* between two measurings, for the title */

	/* lag_screen.c's own; { 0 } is the start */
	enum lag_screen_view view;
	enum lag_screen_order order;
	bool reversed, filtering, paused, help;
	struct buf group;          /* whose partitions or members are shown */
	struct buf filter;
	struct buf selected;       /* key of the row; empty = the first */
	int top;                   /* index of the first row shown */
	struct map groups, partitions; /* key -> struct screen_history */
	unsigned round;
};

void lag_screen_release(struct lag_screen *w);

/* Notes the lags of a new snapshot, for trends and sparklines. */
void lag_screen_note(struct lag_screen *w, const struct lag_snapshot *s);

/* key as screen_key() gives it; s may be NULL. */
enum lag_screen_wish lag_screen_key(struct lag_screen *w,
	const struct lag_snapshot *s, int key);

/*
 * Appends `height` lines for that snapshot (NULL = nothing measured yet); none
 * is wider than `width`. trouble: why the newest measuring failed, or NULL.
 */
void lag_screen_draw(struct lag_screen *w, const struct lag_snapshot *s,
	int64_t now_ms, const char *trouble, struct buf *out);

#endif
