/* lag_screen_rows.h - the rows that a lag screen shows, for its own files. */
#ifndef KAFKA_LAG_SCREEN_ROWS_H
#define KAFKA_LAG_SCREEN_ROWS_H

#include "kafka/lag_screen.h"
#include "model/lag_total.h"

enum { HISTORY = 60 };       /* measurings remembered of a row */

struct screen_history {
	struct slice key;    /* owned */
	unsigned round;      /* when it was seen last */
	int n, at;           /* how many, and where the next goes */
	int64_t lag[HISTORY]; /* -1 = was not known */
};

struct screen_row {
	struct slice key;    /* what the row stays itself by; in keys of the rows */
	const char *name;    /* first column, as it is: escape it */
	const struct lag_group *group;
	const struct lag_partition *partition; /* of the partitions' view */
	const struct lag_total *total;         /* of the members' view */
	int64_t lag, age_ms, eta_ms;
	double consumed, produced;
	enum lag_status status;
	const struct screen_history *history;     /* or NULL */
};

struct screen_rows {
	struct screen_row *items;
	int n;
	struct buf keys;
	struct lag_totals totals;
	const struct lag_group *group; /* that the view is about, or NULL */
};

/* The rows of the view that pass the filter, in order. */
void screen_rows_init(struct screen_rows *r, const struct lag_screen *w,
	const struct lag_snapshot *s);
void screen_rows_release(struct screen_rows *r);

/* Where the selected row is; 0 when it is gone. */
int screen_rows_selected(const struct screen_rows *r, const struct lag_screen *w);

/* Rows that fit between the head and the foot. */
int lag_screen_room(const struct lag_screen *w);

#endif
