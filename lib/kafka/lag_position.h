/*
 * lag_position.h - the inside of lag_age.h: places in logs whose timestamp is
 * wanted, each for one row or several.
 */
#ifndef KAFKA_LAG_POSITION_H
#define KAFKA_LAG_POSITION_H

#include "kafka/handle.h"
#include "model/lag.h"

struct lag_place {
	struct lag_topic *topic;
	int32_t id;
	int64_t offset;
	struct lag_partition **rows; /* those of the groups that are here */
	int rows_n;
	/* the answer */
	enum lag_age_source source;  /* NONE = not known */
	int64_t oldest_ms;
	bool markers;                /* nothing but markers from here to the end */
	bool refused;                /* may not be read */
};

/* By topic, partition, offset; no two alike. */
struct lag_places {
	struct lag_place *items;
	int n;
	struct lag_partition **rows; /* what the items' rows point into */
};

/* How many of items[from..n) are of the same partition as the first. */
int lag_places_run(const struct lag_places *l, int from);

/* Reads at places that have no answer; stops at the deadline. */
void lag_age_read(rd_kafka_t *rk, struct lag_places *l, int64_t deadline_ms);
/* Searches for places that have no answer, or only for the refused. */
void lag_age_search(rd_kafka_t *rk, struct lag_places *l, int64_t now_ms,
	int64_t deadline_ms, bool only_refused);

#endif
