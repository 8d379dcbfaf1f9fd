/*
 * answer.h - what a handler says of a record: one line of JSON with its src.
 *
 *	{"src":"orders/0/5"}                            done
 *	{"src":"orders/0/5","value":...,...}            done, and this record comes of it
 *	{"src":"orders/0/5","error":"text"}             failed; other members do not count
 *	{"src":"orders/0/5","error":{"message":...,"class":...,"stack":...,"cause":...,"kind":...,"stage":...}}
 *
 *	{"src":"orders/0/5","value":...,"kc":{"more":true}}
 *	                                                as a record, and more of its answers follow
 *
 * Each member of error is text, and may be missing; others are not looked at.
 * kind is permanent, transient or poison. An error that is null is none.
 */
#ifndef MODEL_ANSWER_H
#define MODEL_ANSWER_H

#include "base/err.h"
#include "model/envelope.h"
#include "model/src.h"

enum answer_kind { ANSWER_DONE, ANSWER_RECORD, ANSWER_FAILED };

struct answer_error {
	struct slice class, message, stack, cause, kind, stage; /* null = not told */
};

struct answer {
	enum answer_kind kind;
	struct src src;
	bool more;                 /* not its last answer; never with ANSWER_FAILED */
	struct record r;           /* ANSWER_RECORD */
	struct answer_error error; /* ANSWER_FAILED */
};

/* `{ 0 }` is empty. */
struct answer_reader {
	struct envelope_reader line, error;
};

/* Borrows from the line and the reader, until the next call. ERR_FORMAT */
int answer_read(struct answer_reader *rd, struct slice line, struct answer *out,
	struct err *e);
void answer_reader_release(struct answer_reader *rd);

/* Appends the line, without LF, of a failure that the handler could not tell. */
void answer_put_failure(struct buf *out, const struct src *src,
	const struct answer_error *why);

#endif
