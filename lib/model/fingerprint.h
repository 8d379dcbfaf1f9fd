/*
 * fingerprint.h - which dead letters died of the same thing.
 *
 * A group is: scheme, class of the root exception, first frame of the
 * application's code without line number, and the message with everything
 * masked that differs from record to record. All of it is kept and shown, so
 * that nobody has to trust a hash.
 */
#ifndef MODEL_FINGERPRINT_H
#define MODEL_FINGERPRINT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "model/deadletter.h"

enum { FINGERPRINT_ID = 12 };

struct fingerprint {
	char id[FINGERPRINT_ID + 1]; /* hex digits: stable between runs and machines */
	struct slice class;   /* null = not told, as all here */
	struct slice frame;
	struct slice message; /* masked */
};

/* Borrows from d and the arena. */
void fingerprint_make(const struct deadletter *d, struct fingerprint *f, struct arena *a);

/* True when text is the id or, with four digits or more, its beginning. */
bool fingerprint_matches(const struct fingerprint *f, const char *text);

/*
 * Appends the first line of a message, at most 200 bytes of it, with
 * <uuid>, <hex>, <n> and <str> (of quotes) where those stood.
 */
void fingerprint_mask(struct buf *out, struct slice message);

/* 64 bits of some bytes, the same everywhere (FNV-1a); h = FINGERPRINT_SEED at first. */
#define FINGERPRINT_SEED 0xcbf29ce484222325u
uint64_t fingerprint_hash(uint64_t h, struct slice s);

#endif
