/*
 * format.h - output templates of kc-consume -f, with kcat's letters:
 *
 *	%s value  %S its length (-1 = null)  %k key  %K its length
 *	%T timestamp (ms)  %t topic  %p partition  %o offset
 *	%h headers (k=v,k=v)  %R value length as 4 bytes, big-endian  %% percent
 *	\n \r \t \\ \0 \xNN
 */
#ifndef MODEL_FORMAT_H
#define MODEL_FORMAT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/record.h"

struct format;

/* Parses a template. null_text is what %s and %k print for null. returns owned */
int format_parse(struct format **out, const char *text, const char *null_text,
	struct err *e);
void format_free(struct format *f);
void format_write(const struct format *f, const struct record *r, struct buf *out);

#endif
