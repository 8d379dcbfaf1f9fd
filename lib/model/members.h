/*
 * members.h - a line that is one JSON object, read by a table of its
 * members. Private to model/: envelope_read.c and envelope_kcat.c are the
 * two tables.
 */
#ifndef MODEL_MEMBERS_H
#define MODEL_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "model/envelope.h"
#include "model/scan.h"

struct line {
	struct scan s;
	struct envelope_reader *rd;
	struct record *r;
	struct err *e;
	struct slice decoded; /* what the last {"base64":...} holds */
	size_t headers_n;
	bool in_header; /* errors name the header headers_n + 1 */
};

struct member {
	const char *name;
	size_t len;
	/* At the first byte of the value; false with l->e or l->s.why set. */
	bool (*read)(struct line *l, const char *name);
};

#define MEMBER(name, read) { name, sizeof(name) - 1, read }

struct member_table {
	const struct member *rows;
	size_t n; /* at most 32 */
	/* Says what an unknown member may have meant; NULL = nothing special. */
	const char *(*hint)(struct slice name);
};

/* Prepares scratch memory for a line of this length. */
struct line line_init(struct envelope_reader *rd, struct slice text,
	struct record *r, struct err *e);
/* The end of the reading: nothing but blanks may follow. 0, or -1 and *e set. */
int line_end(struct line *l, bool ok);

/* Sets "byte N: ..." in l->e; returns false. */
bool line_fail(struct line *l, const uint8_t *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An object, from its brace to its brace; *seen has a bit for each row found. */
bool line_object(struct line *l, const struct member_table *t, uint32_t *seen);

/* Values. Text and bytes are slices of the line or of the scratch memory. */
bool line_text(struct line *l, const char *name, struct slice *out);
bool line_text_or_null(struct line *l, const char *name, struct slice *out);
bool line_int(struct line *l, const char *name, int64_t min, int64_t max,
	int64_t *out);
/* True when the value is null, which is stepped over. */
bool line_is_null(struct line *l);
/* A place for one more header, behind the ones there are. */
struct record_header *line_header(struct line *l);

/* Members that both forms spell and mean alike. */
bool line_topic(struct line *l, const char *name);
bool line_partition(struct line *l, const char *name);
bool line_offset(struct line *l, const char *name);

#endif
