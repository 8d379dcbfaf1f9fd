/* config_keys.h - names that Apache Kafka knows and kc-broker has no row for. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>

#include "config.h"

struct config_other {
	const char *name; /* with a '*' at the end: a prefix */
	bool refused;     /* ignoring it would be a lie: it asks for what is not here */
	const char *why;
};

const struct config_other *config_others(int *n);

#endif
