/*
 * features.h - levels of features as a KRaft cluster has them (KIP-584).
 * Here each stands at the one level that this program works at.
 */
#ifndef API_FEATURES_H
#define API_FEATURES_H

#include <stdint.h>

struct feature {
	const char *name;
	int16_t min, max; /* what could be chosen */
	int16_t level;    /* in force */
};

const struct feature *features(int *n);

#endif
