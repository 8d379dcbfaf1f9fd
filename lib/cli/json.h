/*
 * json.h - JSON documents of administration: built, then printed on a line.
 * Records have their own writer (model/envelope). The only includer of cJSON.h.
 *
 * A parent takes what is added to it; only the root is freed. Members print
 * in the order they were added.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
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

#endif
