/*
 * redrive.h - the record that goes back where a dead letter came from; pure.
 *
 * Its key, value and headers are what died, byte for byte, less the headers
 * that tell of the death, and with
 *
 *	kc-origin         topic/partition/offset of the first death; never changed
 *	kc-redrive-count  how often it was redriven, this time included
 *	kc-redrive-run    the run that did it
 *	kc-redrive-of     the dead letter: topic/partition/offset
 *	kc-edited         fingerprint of key and value before they were edited
 */
#ifndef MODEL_REDRIVE_H
#define MODEL_REDRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/deadletter.h"
#include "model/record.h"

/* What --headers says: headers that stay, go, or come. */
struct redrive_headers {
	bool keep;                    /* those that tell of the death, too */
	struct slice *drop;           /* names */
	int drop_n;
	struct record_header *add;
	int add_n;
};
/* "strip", "keep", "-NAME", "+NAME=VALUE"; ERR_USAGE. Borrows text. */
int redrive_headers_add(struct redrive_headers *h, const char *text, struct err *e);
void redrive_headers_release(struct redrive_headers *h);

struct redrive_form {
	const char *to;               /* topic; NULL = where it died */
	const struct redrive_headers *headers;
	bool keep_timestamp;          /* that of the origin; else none: now */
	struct slice run;
};

/*
 * Where it would go; null when neither form nor dead letter tell. *partition
 * is the origin's when that is the topic, else -1: by key.
 */
struct slice redrive_target(const struct deadletter *d,
	const struct redrive_form *f, int32_t *partition);

/*
 * True when `name` is a retry topic of the topic `origin`, or of that whose
 * retry topic it is: orders.retry, orders-retry-0, orders_retry_5000,
 * orders-RETRY. *level is its number; -1 = it has none, and comes first.
 */
bool redrive_retry_level(struct slice origin, struct slice name, int64_t *level);

/*
 * The copy of r, to be sent for the `redrives`th time. ERR_FAILED with the
 * remedy when it cannot be made: there is no target.
 * Borrows from r, d and f; what must be built lives in the arena.
 */
int redrive_make(const struct record *r, const struct deadletter *d,
	const struct redrive_form *f, int64_t redrives, struct arena *a,
	struct record *out, struct err *e);

/* The copy without the headers that redrive adds: what a command is given. */
void redrive_undress(const struct record *copy, struct arena *a,
	struct record *out);

/*
 * What was made of a copy, with its headers again; true when key or value
 * are others, which kc-edited tells (mark).
 */
bool redrive_dress(const struct record *copy, const struct record *made, bool mark,
	struct arena *a, struct record *out);

#endif
