/* breaker.h - "more than P % of the last N failed": when going on does harm. */
#ifndef MODEL_BREAKER_H
#define MODEL_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct breaker {
	int percent;    /* 0 = there is none */
	int size;       /* N; nothing trips before so many were seen */
	uint8_t *ring;  /* owned; 1 = failed */
	int at, seen, failed;
};

/* "50%/200", or "none". ERR_USAGE */
int breaker_parse(struct breaker *b, struct slice text, struct err *e);
void breaker_add(struct breaker *b, bool failed);
bool breaker_tripped(const struct breaker *b);
void breaker_release(struct breaker *b);

#endif
