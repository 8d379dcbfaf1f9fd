/*
 * lag_nagios.h - a lag snapshot as a monitoring plugin says it: one line with
 * performance data, and a state. Pure. (Monitoring Plugins Development
 * Guidelines; Nagios, Icinga, Naemon, Sensu.)
 *
 *	KAFKA LAG CRITICAL - group 'billing': lag 2275 >= 1000 | lag=3793;10;1000;0 ...
 *
 * The state is the worst of what is known; what could not be measured is
 * UNKNOWN, and never OK.
 */
#ifndef MODEL_LAG_NAGIOS_H
#define MODEL_LAG_NAGIOS_H

#include "base/buf.h"
#include "model/lag_threshold.h"

/* As such programs exit. */
enum lag_nagios { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

struct lag_nagios_limits {
	const struct lag_thresholds *critical, *warning;
};

/* Appends the line. */
enum lag_nagios lag_nagios_write(struct buf *out, const struct lag_snapshot *s,
	const struct lag_nagios_limits *limits);

/* The line of a run that measured nothing; UNKNOWN. */
void lag_nagios_unknown(struct buf *out, const char *why);

#endif
