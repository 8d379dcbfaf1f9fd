/*
 * schema.h - messages as data: what wiregen writes into fields.h.
 *
 * The codecs of messages.h are what requests go through; the tables are for
 * those few who treat all messages alike. fields.h is tables only: the one
 * file that needs them includes it, behind this header and messages.h.
 */
#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

enum any_type {
	ANY_struct, ANY_bool, ANY_int8, ANY_int16, ANY_uint16, ANY_int32,
	ANY_uint32, ANY_int64, ANY_float64, ANY_uuid, ANY_string, ANY_bytes,
	ANY_records,
};

struct any_struct;

struct any_field {
	const char *name;
	size_t at, count_at, size; /* offsets in the struct; bytes of an item */
	enum any_type type;
	bool array, plain, optional; /* optional: a pointer to a struct, or NULL */
	int min, max, null_min, null_max;
	int tag;                   /* -1 = untagged */
	bool def_null;
	int64_t def;
	const struct any_struct *sub;
};

struct any_struct {
	const struct any_field *fields;
	size_t n;
	void (*init)(void *m);
};

struct any_message {
	const char *name, *kind;
	int key, min, max, flexible;
	size_t size;
	const struct any_struct *type;
	int (*read)(struct wire_reader *r, int16_t version, void *m);
	void (*write)(struct wire_writer *w, int16_t version, const void *m);
};

#endif
