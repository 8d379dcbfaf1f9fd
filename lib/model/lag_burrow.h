/*
 * lag_burrow.h - a status in the words and numbers of LinkedIn's Burrow, for
 * those who have alerts on them. LOST and AHEAD, which Burrow doesn't know,
 * are its ERR; UNKNOWN is OK there, as a window that isn't full is.
 */
#ifndef MODEL_LAG_BURROW_H
#define MODEL_LAG_BURROW_H

#include "model/lag.h"

/* "OK", "WARN", "ERR", "STOP", "STALL", "REWIND" */
const char *lag_burrow_name(enum lag_status s);
/* 1 OK, 2 WARN, 3 ERR, 4 STOP, 5 STALL, 6 REWIND */
int lag_burrow_number(enum lag_status s);

/* A group's is that of its worst partition, nothing worse than ERR. */
const char *lag_burrow_group_name(enum lag_status worst);
int lag_burrow_group_number(enum lag_status worst);

#endif
