/*
 * json.h - JSON documents of administration: built and printed on a line, or
 * read. Records have their own reader and writer (model/envelope). The only
 * includer of cJSON.h.
 *
 * A parent takes what is added to it; only the root is freed. Members print
 * in the order they were added or read, numbers with all their digits.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct json;

struct json *json_object(void); /* returns owned */
struct json *json_array(void);  /* returns owned */
void json_free(struct json *j);

/* name is the member's; NULL when `to` is an array. */
void json_add(struct json *to, const char *name, struct json *child);
/* Bytes as kc-record(5) shows them: null, "text", {"base64":"..."}. */
void json_add_text(struct json *to, const char *name, struct slice text);
void json_add_str(struct json *to, const char *name, const char *text);
/* Exact to the last digit. */
void json_add_int(struct json *to, const char *name, int64_t value);
void json_add_bool(struct json *to, const char *name, bool value);
void json_add_null(struct json *to, const char *name);

/* Appends the document and LF. */
void json_print(struct buf *out, const struct json *j);

/*
 * Exactly one document with blanks around it; else ERR_FORMAT with "byte N".
 * Strict: UTF-8, no control characters, no \u0000. Returns owned, or NULL.
 */
struct json *json_parse(struct slice text, struct err *e);

/* Below, j may be NULL: an absent member is of no type and has no items. */

/* The member of an object; NULL = absent. Of equal names the first. */
const struct json *json_get(const struct json *object, const char *name);
/* Items of an array, members of an object, in their order; NULL = no more. */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *j);
/* Of a member; NULL of an item or a root. Borrowed. */
const char *json_name(const struct json *j);

/* NULL = not a string. Borrowed. */
const char *json_string(const struct json *j);
/* False unless it is an integer without fraction and exponent that fits. */
bool json_int(const struct json *j, int64_t *out);
bool json_bool(const struct json *j, bool *out);
bool json_is_null(const struct json *j);
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);

#endif
