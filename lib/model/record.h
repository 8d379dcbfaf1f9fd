/*
 * record.h - one Kafka record as the tools see it, owner of nothing.
 *
 * All slices are borrowed from where the record was read (a librdkafka
 * message, an input line and its scratch buffer).
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum timestamp_type { TIMESTAMP_NONE, TIMESTAMP_CREATE, TIMESTAMP_APPEND };

struct record_header {
	struct slice key;   /* never null */
	struct slice value; /* data NULL = null */
};

struct record {
	struct slice topic;      /* null = not given */
	int32_t partition;       /* -1 = not given */
	int64_t offset;          /* -1 = not given */
	bool has_timestamp;
	int64_t timestamp;       /* ms since the epoch, when has_timestamp */
	enum timestamp_type timestamp_type;
	struct slice key, value; /* data NULL = null */
	const struct record_header *headers;
	size_t headers_n;

	/* Envelope members beside the record; null = absent. */
	struct slice src;        /* "topic/partition/offset" */
	struct slice error;      /* JSON text of the member, verbatim */
	struct slice kc;         /* JSON text of the object, verbatim */
};

/* With all its bytes, in one piece: free() is enough. returns owned */
struct record *record_copy(const struct record *r);

/*
 * The same as the last member of a struct of the caller's, which begins
 * `before` bytes in front of it; *size is what all of it takes, in bytes.
 */
void *record_copy_behind(const struct record *r, size_t before, size_t *size);

#endif
