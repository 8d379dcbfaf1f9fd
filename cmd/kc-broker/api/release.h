/*
 * release.h - what earlier releases of Apache Kafka advertised, for
 * --as-version: a client that is to be tried with an old broker.
 */
#ifndef API_RELEASE_H
#define API_RELEASE_H

#include <stdint.h>

#include "base/err.h"

struct api;
struct release;

/* By its text, "2.8"; NULL with those that are known. */
const struct release *release_find(const char *text, struct err *e);
/* The highest version of the request in this release; -1 = it had none. */
int16_t release_max(const struct release *r, int16_t key);

#endif
