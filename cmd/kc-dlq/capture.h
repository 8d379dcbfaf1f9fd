/* capture.h - what the files of kc-dlq capture share. */
#ifndef KC_DLQ_CAPTURE_H
#define KC_DLQ_CAPTURE_H

#include "base/arena.h"
#include "cli/in.h"
#include "cli/out.h"
#include "kafka/admin.h"
#include "kafka/sink.h"
#include "kafka/sink_acks.h"
#include "model/answer.h"
#include "model/breaker.h"
#include "model/deadletter.h"
#include "verbs.h"

/* A line that failed and is not sent yet: the breaker may still stop it. */
struct capture_line {
	int64_t number;
	struct slice text;
	struct src src;              /* topic null = it does not tell */
	const struct record *source; /* which was found there; NULL = it was not */
};

struct capture {
	struct args *a;
	const char *dlq;
	enum deadletter_scheme scheme;
	struct producer *producer;
	struct sink *sink;        /* NULL = no --commit-group */
	struct sink_acks *acks;   /* NULL = no --ack */
	struct envelope_reader reader;
	struct answer_reader answers;
	struct arena memory;      /* of one line */
	struct breaker breaker;
	struct in in;
	struct client *client;    /* who looks for source records; NULL = nobody yet */
	struct admin_topics topics;

	struct capture_line *held;
	int held_n, held_cap;
	struct arena held_memory;
	int64_t held_bytes;
	int64_t first;            /* number of the batch's first line; 0 = none yet */
	int64_t settled;          /* number of the last line that is done with */

	struct out spill;         /* fd -1 = no --spill */
	struct err spill_why;     /* of the first letter in it */
	int64_t passed, spilled;
	int64_t passing, spilling; /* of the batch: not flushed yet */
	struct err failure;       /* of a dead letter, without --spill */
};

/* ---- capture_letter.c ---- */

enum capture_kind {
	CAPTURE_RECORD,
	CAPTURE_FAILED,  /* with an error; or *why is what the line lacks */
	CAPTURE_NONSENSE, /* *why it is no line of kc-record(5); *r is not set */
	CAPTURE_BARRIER,
};
enum capture_kind capture_read(struct capture *c, struct slice line, struct record *r,
	struct err *why);
/* Where it came from: its src, or else its own place. Borrows. */
struct src capture_src(const struct record *r);
/* The source records of all that is held, with one reader. */
void capture_fetch(struct capture *c);
/* A line that failed, to the producer. */
int capture_send(struct capture *c, const struct capture_line *l, struct err *e);
/* Of the producer's: kept in the spill, or the end of the run. */
void capture_failed(void *arg, const struct record *r, producer_tag tag,
	const struct err *why);

#endif
