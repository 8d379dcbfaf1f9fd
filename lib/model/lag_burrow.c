#include "model/lag_burrow.h"

enum { OK = 1, WARN, ERR, STOP, STALL, REWIND };

static const char *const names[] = {
	[OK] = "OK", [WARN] = "WARN", [ERR] = "ERR", [STOP] = "STOP",
	[STALL] = "STALL", [REWIND] = "REWIND",
};

static const int numbers[] = {
	[LAG_OK] = OK, [LAG_UNKNOWN] = OK, [LAG_AHEAD] = ERR, [LAG_SLOW] = WARN,
	[LAG_REWOUND] = REWIND, [LAG_LOST] = ERR, [LAG_STALLED] = STALL,
	[LAG_STOPPED] = STOP,
};

int
lag_burrow_number(enum lag_status s)
{
	return numbers[s];
}

const char *
lag_burrow_name(enum lag_status s)
{
	return names[numbers[s]];
}

int
lag_burrow_group_number(enum lag_status worst)
{
	return numbers[worst] > ERR ? ERR : numbers[worst];
}

const char *
lag_burrow_group_name(enum lag_status worst)
{
	return names[lag_burrow_group_number(worst)];
}
