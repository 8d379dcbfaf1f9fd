/*
 * lag_prom.h - a lag snapshot as Prometheus text (exposition format 0.0.4),
 * under our own names and under those that dashboards know already.
 *
 * A series whose number is not known is left out: NaN would poison sums, and
 * -1 pass for a lag. kc_lag_up says whether anything is missing.
 */
#ifndef MODEL_LAG_PROM_H
#define MODEL_LAG_PROM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/lag.h"

enum lag_prom_style {
	LAG_PROM_KC = 1 << 0,       /* kc_lag_* */
	LAG_PROM_KLE = 1 << 1,      /* kafka-lag-exporter's, and klag-exporter's */
	LAG_PROM_EXPORTER = 1 << 2, /* danielqsj/kafka_exporter's */
	LAG_PROM_KMINION = 1 << 3,
	LAG_PROM_BURROW = 1 << 4,
};

struct lag_prom_options {
	unsigned styles;        /* of enum lag_prom_style */
	const char *cluster;    /* label of that name; NULL = the cluster's id */
	bool without_members;   /* member, client and host are no labels */
	bool without_partitions; /* sums of topics and groups only */
	int64_t took_ms;        /* the measuring; -1 = not known */
};

/* "kc,kle,kafka_exporter,kminion,burrow": some of them. ERR_USAGE. */
int lag_prom_styles(struct slice list, unsigned *out, struct err *e);

void lag_prom_write(struct buf *out, const struct lag_snapshot *s,
	const struct lag_prom_options *o);

#endif
