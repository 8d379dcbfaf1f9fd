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
extern const struct result CREATED, EXISTS, DELETED, MISSING, ALTERED, TRIMMED;

/* What became of one topic. */
struct outcome {
	const struct result *result; /* NULL: nothing that has to be told */
	int64_t offsets;             /* that were trimmed, -1 = not about them */
};

void tally_add(struct tally *t, struct args *a, const char *topic,
	const struct outcome *o);
/* One that failed. many: more were named, so each one's error is told at once. */
void tally_failed(struct tally *t, struct args *a, const char *topic, bool many,
	struct err *why);
/* 0 when none has failed. */
int tally_finish(const struct tally *t, struct err *e);

/* One topic of those named; topics: all there are. 0 with *o, or -1. */
typedef int (*tally_fn)(struct args *a, struct admin_topics *topics,
	const char *name, struct outcome *o, struct err *e);

/* "BEFORE topics 'a', 'b'AFTER" */
struct question {
	const char *before, *after;
};

/*
 * Each topic named, in turn, and then tally_finish(). sure: asked first about
 * those that are there, unless told not to; NULL = nothing is.
 */
int tally_each(struct args *a, int argc, char **argv, const struct question *sure,
	tally_fn fn, struct err *e);

/* ERR_NOT_FOUND with the nearest name. */
int tally_not_found(const struct admin_topics *topics, const char *name,
	struct err *e);

#endif
