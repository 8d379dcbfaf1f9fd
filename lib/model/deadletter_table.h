/* deadletter_table.h - the headers of every scheme, as rows. Private to model/. */
#ifndef MODEL_DEADLETTER_TABLE_H
#define MODEL_DEADLETTER_TABLE_H

#include "model/deadletter.h"

enum death_field {
	DEATH_OTHER, /* known and not carried on */
	DEATH_TOPIC,
	DEATH_PARTITION,
	DEATH_OFFSET,
	DEATH_TIMESTAMP,
	DEATH_TIMESTAMP_TYPE,
	DEATH_GROUP,
	DEATH_CLASS,
	DEATH_MESSAGE,
	DEATH_STACK,
	DEATH_CAUSE,
	DEATH_CAUSE_MESSAGE,
	DEATH_STAGE,
	DEATH_KIND,
	DEATH_ATTEMPTS,
	DEATH_FAILED_AT,
	DEATH_FIRST_FAILED_AT,
	DEATH_FIELDS
};

enum death_encoding {
	DEATH_TEXT,     /* UTF-8 */
	DEATH_DECIMAL,  /* a number as text */
	DEATH_INT32,    /* 4 bytes, big-endian */
	DEATH_INT64,    /* 8 bytes, big-endian */
	DEATH_BIGINT,   /* Java's BigInteger.toByteArray(): 1 to 8 bytes, big-endian, signed */
	DEATH_NEXT32,   /* the number of the next attempt: 4 bytes, or 1 of older versions */
	DEATH_RETRIES,  /* attempts after the first one, as text */
	DEATH_TSTYPE,   /* CreateTime, LogAppendTime, NoTimestampType */
	DEATH_TOSTRING, /* "class" or "class: message" */
};

struct death_header {
	const char *name;
	uint8_t len;
	uint8_t field;
	uint8_t encoding;
	bool once;  /* of the record, not of one death; the last one counts */
	bool alias; /* read, and not written */
};

struct death_scheme {
	const char *name;
	const char *prefix;   /* nobody else's: headers not listed are the scheme's too; NULL = none */
	bool newest_first;    /* it puts its headers in front of those that are there */
	bool keeps_time;      /* a dead letter has its source's timestamp, not that of its death */
	unsigned needs;       /* bits 1 << field: without all of them it is no death */
	const struct death_header *headers; /* ends with name NULL; or NULL */
};

extern const struct death_scheme death_schemes[DEADLETTER_SCHEMES];

/* The row of a header's name, or NULL. Share groups' are found as KC's. */
const struct death_header *death_header_find(struct slice name,
	enum deadletter_scheme *scheme);

/* Decodes into h; false when the bytes are not what the encoding says. Null is not told. */
bool death_header_decode(const struct death_header *row, struct slice value,
	struct deadletter_hop *h);

/* The header's value for this death; null when the death does not tell. */
struct slice death_header_encode(const struct death_header *row,
	const struct deadletter_hop *h, struct arena *a);

/*
 * Schemes without headers: the key or value is a document of the error. *h
 * says nothing yet; false, and nothing changed, when it is none. What was
 * wrapped goes to d->key and d->value.
 */
bool death_unwrap(const struct record *r, struct deadletter *d,
	struct deadletter_hop *h);

#endif
