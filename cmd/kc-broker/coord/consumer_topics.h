/*
 * consumer_topics.h - what the members of a consumer group want to read:
 * names, patterns, the topics behind them, and a target for it all. The
 * inside of consumer_group.h.
 *
 * A "view" is the group as it will be when the event is over: one member is
 * new or changed, one may be gone, patterns are resolved anew.
 */
#ifndef COORD_CONSUMER_TOPICS_H
#define COORD_CONSUMER_TOPICS_H

#include "coord/assignor.h"
#include "coord/consumer_group.h"

/* Lists of names are sorted and have each once. */
bool consumer_names_have(const struct slice *names, int n, struct slice name);
bool consumer_names_eq(const struct slice *a, int an, const struct slice *b, int bn);
/* Sorted, in the arena; the texts are borrowed. */
struct slice *consumer_names_sort(const struct slice *names, int n, struct arena *a,
	int *out_n);
/* The same in one block, texts and all. */
struct slice *consumer_names_own(const struct slice *names, int n, int *out_n);

size_t consumer_member_bytes(const struct consumer_member *m);

struct consumer_view {
	const struct consumer_group *g;
	const struct consumer_member *old;     /* not to be counted; NULL = none */
	const struct consumer_member *member;  /* as it will be; NULL = none */
	struct consumer_regex *regexes;        /* resolved in this event */
	int regexes_n;
	const struct consumer_member *const *gone; /* who leaves */
	int gone_n;
};

/*
 * Resolves what is not, or what topics have made old; their records are put
 * into the turn. *changed when a pattern matches other topics than before.
 * INVALID_REGULAR_EXPRESSION for the pattern of view->member only.
 */
int16_t consumer_resolve(struct consumer_view *v, struct consumer_turn *t, bool *changed);

/* Of the topics wanted that exist, with their partitions; 0 = none of them. */
int64_t consumer_hash(const struct consumer_view *v, struct consumer_turn *t);

/* The ids of the topics that a member wants and that exist: parts of number 0. */
struct parts consumer_wanted(const struct consumer_view *v,
	const struct consumer_member *m, struct consumer_turn *t);

const struct assignor *consumer_choose_assignor(const struct consumer_group *g,
	const struct consumer_member *old, const struct consumer_member *member,
	const struct consumer_limits *l);

/*
 * The target of the group's next epoch: puts its records, and returns what
 * view->member shall have.
 */
struct parts consumer_make_target(const struct consumer_view *v, int32_t epoch,
	struct consumer_turn *t);

/* ---- consumer_reconcile.c ---- */

/*
 * One step of a member towards its target. *m is changed in place, sets are
 * in the turn's arena. `wanted` are its topics; owned NULL = it did not say.
 */
void consumer_reconcile(const struct consumer_group *g, struct consumer_member *m,
	int32_t target_epoch, const struct parts *target, bool has_new_topics,
	const struct parts *owned, const struct parts *wanted, struct arena *a);

/*
 * The middle of a heartbeat and of a classic join: what the member now says
 * becomes records, an epoch, a target, and a step of the member.
 */
int16_t consumer_update(struct consumer_group *g, const struct consumer_member *old,
	struct consumer_member *m, const struct parts *owned, struct consumer_turn *t);

#endif
