/* tally.h - what became of each topic that was named: told at once, and the exit status. */
#ifndef KC_TOPICS_TALLY_H
#define KC_TOPICS_TALLY_H

#include "verbs.h"

/* All zero: nothing yet. */
struct tally {
	int done, failed;
	bool same_code;
	struct err last;
};

/* What can become of a topic: for JSON, and around its name in a sentence. */
struct result {
	const char *name, *before, *before_dry, *after;
};
extern const struct result CREATED, EXISTS, DELETED, MISSING, ALTERED;

/*
 * What became of one topic: NULL and *why when it failed. many: more were
 * named, so each one's error is told at once.
 */
void tally_add(struct tally *t, struct args *a, const char *topic,
	const struct result *result, bool many, struct err *why);
/* One that failed. */
void tally_failed(struct tally *t, struct args *a, const char *topic, bool many,
	struct err *why);
/* 0 when none has failed. */
int tally_finish(const struct tally *t, struct err *e);

/* ERR_NOT_FOUND with the nearest name. */
int tally_not_found(const struct admin_topics *topics, const char *name,
	struct err *e);

#endif
