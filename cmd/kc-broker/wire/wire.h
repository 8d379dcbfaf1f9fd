/*
 * wire.h - reading and writing the primitive types of Kafka's protocol.
 *
 * Both sides are sticky: after the first fault a reader returns zeros and a
 * writer writes nothing, and `bad` says so; check once, before acting.
 * Compact (flexible) forms are chosen by the caller, which knows the version.
 * The generated code of messages.h calls these; handlers rarely do.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/uuid.h"

struct wire_reader {
	const uint8_t *p, *end; /* what is left; borrowed from the frame */
	struct arena *arena;    /* where decoded arrays go */
	bool bad;               /* ran short, or a value broke its rules */
};

/* A file whose ranges replies refer to; held open until they are sent. */
struct wire_file {
	int fd;
	int refs;
	void (*release)(struct wire_file *f); /* called when refs reaches 0 */
};

/* Record batches: bytes in memory (mem), or a range of a file. */
struct wire_records {
	struct slice mem;       /* data NULL and file NULL = null */
	struct wire_file *file; /* a reference is taken by the writer */
	int64_t pos;            /* of the range in the file, bytes */
	size_t len;             /* of the range, bytes */
};

/* "Behind byte `at` of the buffer come `len` bytes of the file." */
struct wire_gap {
	size_t at;
	struct wire_file *file; /* owned reference */
	int64_t pos;
	size_t len;
};

struct wire_writer {
	struct buf out;
	struct wire_gap *gaps; /* ascending by `at` */
	int gaps_n, gaps_cap;
	bool bad;              /* a value does not fit its type in this version */
};

void wire_reader_init(struct wire_reader *r, struct slice in, struct arena *a);

bool wire_get_bool(struct wire_reader *r);
int8_t wire_get_int8(struct wire_reader *r);
int16_t wire_get_int16(struct wire_reader *r);
uint16_t wire_get_uint16(struct wire_reader *r);
int32_t wire_get_int32(struct wire_reader *r);
uint32_t wire_get_uint32(struct wire_reader *r);
int64_t wire_get_int64(struct wire_reader *r);
double wire_get_float64(struct wire_reader *r);
struct uuid wire_get_uuid(struct wire_reader *r);
uint32_t wire_get_uvarint(struct wire_reader *r);
/* Strings are checked to be UTF-8; null is bad unless nullable. */
struct slice wire_get_string(struct wire_reader *r, bool flexible, bool nullable);
struct slice wire_get_bytes(struct wire_reader *r, bool flexible, bool nullable);
/*
 * The number of items of an array, -1 for null. Bad when that many items of
 * at least min_item bytes each cannot be in what is left.
 */
int32_t wire_get_count(struct wire_reader *r, bool flexible, bool nullable,
	size_t min_item);
/* Skips a whole tag section: for structs that know no tags. */
void wire_skip_tags(struct wire_reader *r);
/*
 * The next tagged field: its number, and a reader of just its bytes, which
 * wire_end_tag() checks to have been used up. False when r is bad.
 */
bool wire_get_tag(struct wire_reader *r, uint32_t *tag, struct wire_reader *field);
void wire_end_tag(struct wire_reader *r, const struct wire_reader *field);

void wire_writer_release(struct wire_writer *w);
/* Empty again; the memory is kept for the next use. */
void wire_writer_clear(struct wire_writer *w);
/* Bytes that will be sent: buffer and files together. */
size_t wire_writer_size(const struct wire_writer *w);

void wire_put_bool(struct wire_writer *w, bool v);
void wire_put_int8(struct wire_writer *w, int8_t v);
void wire_put_int16(struct wire_writer *w, int16_t v);
void wire_put_uint16(struct wire_writer *w, uint16_t v);
void wire_put_int32(struct wire_writer *w, int32_t v);
void wire_put_uint32(struct wire_writer *w, uint32_t v);
void wire_put_int64(struct wire_writer *w, int64_t v);
void wire_put_float64(struct wire_writer *w, double v);
void wire_put_uuid(struct wire_writer *w, const struct uuid *u);
void wire_put_uvarint(struct wire_writer *w, uint32_t v);
void wire_put_string(struct wire_writer *w, bool flexible, bool nullable, struct slice s);
void wire_put_bytes(struct wire_writer *w, bool flexible, bool nullable, struct slice s);
void wire_put_records(struct wire_writer *w, bool flexible, const struct wire_records *v);
/* n -1 = null */
void wire_put_count(struct wire_writer *w, bool flexible, bool nullable, int32_t n);
/*
 * A tagged field: what is put between the two calls. `at` is what opening
 * returned. No records inside: closing moves bytes, and gaps do not follow.
 */
size_t wire_open_tag(struct wire_writer *w, uint32_t tag);
void wire_close_tag(struct wire_writer *w, size_t at);

#endif
