/*
 * dlq_origin.h - the source records of dead letters, read again where these
 * died: many with one reader.
 */
#ifndef KAFKA_DLQ_ORIGIN_H
#define KAFKA_DLQ_ORIGIN_H

#include "base/arena.h"
#include "base/err.h"
#include "kafka/dlq.h"

struct dlq_source {
	struct deadletter_origin origin; /* borrows */
	void *user;
	enum { DLQ_SOURCE_GONE, DLQ_SOURCE_UNTOLD, DLQ_SOURCE_THERE } what; /* out */
};

/* Where they are read. */
struct dlq_sources_at {
	const struct conf *conf;
	struct client *client;       /* CLIENT_OFFSETS */
	struct admin_topics *topics; /* all of them; their offsets are asked for */
	int timeout_ms;
};

/*
 * Gives those that are there to take(), in no order that is told; the record
 * borrows, for the call. The others have their reason in `what`.
 */
int dlq_sources_read(const struct dlq_sources_at *at, struct dlq_source *list, int n,
	void (*take)(struct dlq_source *s, const struct record *r), struct err *e);
int dlq_sources(struct dlq *d, struct dlq_source *list, int n,
	void (*take)(struct dlq_source *s, const struct record *r), struct err *e);
/* Why it is not to be had: ERR_NOT_FOUND, and the sentence. */
int dlq_source_error(const struct dlq_source *s, struct err *e);

/*
 * The dead letter with the source's key, value and headers, behind which stay
 * the headers of its death; what must be kept of the source is copied into
 * the arena, the rest borrows from the dead letter.
 */
void dlq_origin_put(const struct record *letter, const struct deadletter *d,
	const struct record *source, struct arena *a, struct record *out);

/* Of one: dlq_sources() and dlq_origin_put(); *out is the dead letter itself when there is none. */
int dlq_origin(struct dlq *d, const struct dlq_record *x, struct arena *a,
	struct record *out, struct err *e);

#endif
