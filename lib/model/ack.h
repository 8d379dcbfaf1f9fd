/*
 * ack.h - what the end of a pipeline tells its reader: one line of JSON.
 *
 *	{"ack":"orders/3/42"}      this record is done
 *	{"ack":"orders/3/..42"}    it is, and all before it in its partition
 *	{"nack":"orders/3/42"}     it cannot be done
 */
#ifndef MODEL_ACK_H
#define MODEL_ACK_H

#include <stdbool.h>

#include "base/err.h"
#include "model/envelope.h"
#include "model/src.h"

struct ack {
	struct src src;
	bool through;   /* all before it too */
	bool failed;
};

/* `{ 0 }` is empty. */
struct ack_reader {
	struct envelope_reader line;
	struct buf text;
};

/* Borrows from the line and the reader, until the next call. ERR_FORMAT */
int ack_read(struct ack_reader *rd, struct slice line, struct ack *out, struct err *e);
void ack_reader_release(struct ack_reader *rd);

/* Appends the line, with LF. */
void ack_write(struct buf *out, const struct ack *a);

#endif
