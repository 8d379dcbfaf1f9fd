/*
 * regex.h - patterns of topic names, in the syntax of RE2 that Kafka's
 * brokers take (KIP-848), run by PCRE2.
 *
 * What RE2 does not have - references to groups, looking ahead and behind,
 * recursion - is refused, and so is a pattern that needs too many steps, so
 * that no pattern holds up the broker.
 */
#ifndef COORD_REGEX_H
#define COORD_REGEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct regex;

/* NULL and *why (static or in the arena) when it is not one. */
struct regex *regex_new(struct slice pattern, struct arena *a, const char **why);
void regex_free(struct regex *r);

/* Does it match the whole text? 1, 0, or -1: it takes too long. */
int regex_match(struct regex *r, struct slice text);

#endif
