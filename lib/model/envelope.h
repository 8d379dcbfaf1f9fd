/*
 * envelope.h - kc-record(5): a record as one line of JSON, and back.
 *
 * Pure, strict and canonical: equal records give equal lines; a line that is
 * not exactly right is an error that names the place and the remedy. This is
 * the hot path of kc-produce and kc-consume: no allocation a record once the
 * scratch memory has grown.
 */
#ifndef MODEL_ENVELOPE_H
#define MODEL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/record.h"

enum envelope_flags {
	ENVELOPE_JSON_VALUES = 1 << 0,   /* write: valid JSON values as `json` */
	ENVELOPE_IGNORE_UNKNOWN = 1 << 1, /* read: unknown members are skipped */
	ENVELOPE_SRC = 1 << 2,           /* write: `src` from topic/partition/offset */
	ENVELOPE_NO_VALUE = 1 << 3,      /* read: value and json may both be missing */
};

/* Appends the line, LF included. */
void envelope_write(struct buf *out, const struct record *r, unsigned flags);

/* Scratch memory of a reader, reused from line to line. `{ 0 }` is empty. */
struct envelope_reader {
	struct buf text;                /* unescaped and decoded bytes */
	struct record_header *headers;
	size_t headers_cap;
	unsigned flags;
	bool valueless;                 /* the last line had neither value nor json */
};

/*
 * Reads one line (no LF at its end). The record borrows from the line and
 * from the reader's scratch memory, until the next call. ERR_FORMAT with a
 * sentence that says what is wrong, where (byte in the line) and what to do;
 * the line's number is added by the caller.
 */
int envelope_read(struct envelope_reader *rd, struct slice line,
	struct record *r, struct err *e);
void envelope_reader_release(struct envelope_reader *rd);

/*
 * The same for lines of kcat -J (--from kcat, --as kcat): flat headers,
 * payload, ts, tstype. Writing fails, and appends nothing, where that form
 * cannot hold the record's bytes (ERR_FORMAT).
 */
int envelope_read_kcat(struct envelope_reader *rd, struct slice line,
	struct record *r, struct err *e);
int envelope_write_kcat(struct buf *out, const struct record *r, struct err *e);

/* True when the bytes are one valid JSON value (RFC 8259, strict UTF-8), with nothing but blanks around it. */
bool envelope_is_json(struct slice s);

/* Appends a JSON string literal, quotes included; s must be valid UTF-8. */
void envelope_put_string(struct buf *out, struct slice s);

/* Appends B of kc-record(5): null, "text" or {"base64":"..."}. */
void envelope_put_bytes(struct buf *out, struct slice s);

#endif
