/*
 * msg.h - the definition language of Kafka's messages, read into memory.
 *
 * A definition, one message a file:
 *
 *	# comment
 *	request 0 ProduceRequest 3-13 flexible 9
 *	TransactionalId string? = null
 *	TopicData []Topic
 *	  Name string 0-12
 *	  PartitionData []Partition
 *	    Index int32
 *	  Leader Leader 10+ tag 0
 *	    Id int32 = -1
 *
 * First line: kind (request and response with their API key, header, data),
 * name, versions, and the first flexible version where there is one (KIP-482).
 * Then a field a line, in the order of the wire:
 *
 *	Name type[?[versions]] [versions] [tag N] [plain] [= default]
 *
 * Types are bool, int8 to int64, uint16, uint32, float64, string, bytes,
 * records, uuid, or a struct, whose fields follow two spaces deeper; []T is
 * an array. "?" says nullable, "?10+" in which versions; a struct that may be
 * null is a pointer, NULL unless present. Versions not said are all of the
 * message's. "plain" keeps the 2-byte length prefix in flexible
 * versions. A default is the value of a fresh struct and of a field that
 * the version lacks; otherwise 0, "", empty.
 */
#ifndef GEN_MSG_H
#define GEN_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Versions are int16, so this one never comes. */
enum { NEVER = INT16_MAX };

struct range {
	int min, max; /* inclusive; min > max = no version */
};

struct type {
	const char *name;  /* also the suffix of its wire_get_ and wire_put_ */
	const char *ctype;
	int size;          /* bytes on the wire; 0 = has a length prefix */
};

struct field {
	char *name;              /* as in the definition */
	char *cname;             /* snake_case */
	const struct type *type; /* NULL = sub */
	struct record *sub;
	bool array, plain;
	struct range in, null;
	int tag;                 /* -1 = untagged */
	char *def;               /* NULL = zero, "", empty */
};

/* What becomes one C struct. */
struct record {
	char *cname;             /* without "struct " */
	struct field *fields;
	size_t n;
};

struct message {
	const char *path;
	char *kind, *name, *cname;
	int key;                 /* -1 = has none */
	struct range in;
	int flexible;
	struct record **records; /* in the order of the definition: root first */
	size_t n;
};

/* Reads a definition; a mistake in it ends the program with its line. */
void msg_read(struct message *m, const char *path);

#endif
