/*
 * dlq_select.h - which dead letters are meant: terms that a record must
 * match, as the options of kc-dlq give them; pure.
 *
 * A term is a text, so that a run can keep its selection and go on with it:
 *
 *	P:O  P:O-O  P:*    these offsets of partition P
 *	group=ID           of this group, or one that begins so
 *	class=GLOB         the error's class or that of its cause, whole or what
 *	                   follows its last dot
 *	message=REGEX      the error's message has a match (extended)
 *	stage=GLOB kind=GLOB scheme=NAME
 *	origin=T  =T/P     died in topic T (partition P)
 *	key=TEXT           this key
 *	header=N  =N=V     has the header N (with this value)
 *	since=TIME until=TIME   failed from, and before; without a time of
 *	                   failure the record's own counts
 *	where=CONDITION    model/where.h's, on value, key, header.NAME, class,
 *	                   message, stage, kind, scheme, attempts, redrives, when
 *	                   it failed (timestamp), and where (topic, partition,
 *	                   offset)
 *	state=NAME         as the ledger has it
 *	unless=N/TERM      no match of the terms that have the same number N
 *
 * Terms of one kind are alternatives, and every kind must match; of headers,
 * since, until and where every one must. Without a state term only open ones match.
 */
#ifndef MODEL_DLQ_SELECT_H
#define MODEL_DLQ_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "model/deadletter.h"
#include "model/ledger.h"
#include "model/record.h"

/* A record of a dead-letter topic and what is known of it. */
struct dlq_record {
	const struct record *r;      /* as it lies there */
	const struct deadletter *d;  /* of its headers */
	enum ledger_state state;
	/* Of its fingerprint, where dlq_select_needs_group(). */
	const char *group;           /* id of its group; NULL = not asked for */
	struct slice root;           /* class of the innermost exception; null = not told */
};

struct dlq_term;

struct dlq_select {
	struct dlq_term *terms;
	int n;
	unsigned kinds;              /* bits of the kinds that there are */
	unsigned states;             /* bits of the states that match */
	struct dlq_select *unless;   /* by number: what these match, this does not */
	int unless_n;
};

/* ERR_USAGE with what is wrong. `now_ms` is for times like -1h. */
int dlq_select_add(struct dlq_select *s, const char *term, int64_t now_ms,
	struct err *e);
/* "kind=value"; an option's value. */
int dlq_select_add_option(struct dlq_select *s, const char *kind,
	const char *value, int64_t now_ms, struct err *e);
/* What other matches, its own unless aside, s no longer does: one more number of unless. */
int dlq_select_exclude(struct dlq_select *s, const struct dlq_select *other,
	struct err *e);
void dlq_select_release(struct dlq_select *s);

bool dlq_select_matches(const struct dlq_select *s, const struct dlq_record *x);

/* True when nothing but unless narrows it: all that is open (or of the states named). */
bool dlq_select_is_all(const struct dlq_select *s);
bool dlq_select_needs_group(const struct dlq_select *s);
/* The term as it can be added again: times are absolute. */
const char *dlq_select_term(const struct dlq_select *s, int i);

/*
 * The offsets of partition p that can match, narrowed from *from..*to
 * (exclusive); false when none can.
 */
bool dlq_select_bounds(const struct dlq_select *s, int32_t p, int64_t *from,
	int64_t *to);

#endif
