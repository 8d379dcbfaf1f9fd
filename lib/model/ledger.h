/*
 * ledger.h - what became of each record of a dead-letter topic; pure.
 *
 * Kafka can only forget a prefix of a log, so what was done with a record in
 * its middle stands beside it: in a compacted topic (kafka/ledger.h) of
 *
 *	key "PARTITION/OFFSET"  value {"state":"redriven","at":MS,"run":"...",
 *		"by":"user@host","to":"topic/partition","fingerprint":"HEX",
 *		"redrives":1,"note":"..."}
 *	key "run/ID"            value of model/ledger_run.h
 *
 * A record without an entry is open. In memory a record takes one byte, in
 * chunks that are there only where something is known.
 */
#ifndef MODEL_LEDGER_H
#define MODEL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/slice.h"

/* Everything but open is resolved: it is not offered again. */
enum ledger_state {
	LEDGER_OPEN,
	LEDGER_REDRIVEN,  /* sent back to where it came from */
	LEDGER_DISCARDED, /* given up; restore takes that back */
	LEDGER_PARKED,    /* put aside: too many redrives, or by hand */
	LEDGER_EDITED,    /* a mended copy was sent */
	LEDGER_RETURNED,  /* was redriven and died again: see its newer dead letter */
	LEDGER_STATES
};
const char *ledger_state_name(enum ledger_state s);
int ledger_state_parse(struct slice text, enum ledger_state *out, struct err *e);

/* An entry: one record's. Slices borrow; null = not there. */
struct ledger_entry {
	int32_t partition;
	int64_t offset;
	enum ledger_state state;
	int64_t at;             /* ms since the epoch */
	int64_t redrives;       /* of this key and value, this one included */
	uint64_t fingerprint;   /* of key and value; 0 = not told */
	struct slice run, by;   /* whose work it was */
	struct slice to;        /* "topic/partition" of the copy */
	struct slice note;
};
void ledger_entry_key(struct buf *out, int32_t partition, int64_t offset);
void ledger_entry_write(struct buf *out, const struct ledger_entry *x);
/* Sets partition and offset; false when the text is no "PARTITION/OFFSET". */
bool ledger_entry_read_key(struct slice key, struct ledger_entry *out);
/* ERR_FORMAT when either is not what it should be; unknown members are skipped. */
int ledger_entry_read(struct slice key, struct slice value, struct arena *a,
	struct ledger_entry *out, struct err *e);

/* Of the bytes that a second death brings back; never 0, the same everywhere. */
uint64_t ledger_fingerprint(struct slice key, struct slice value);
/* A run's id, for those who keep many. */
uint32_t ledger_run_hash(struct slice run);

/* ---- all of them ---- */

struct ledger_part {
	int64_t start;            /* the log begins here: older ones are gone */
	int64_t mark;             /* everything before it is resolved, as far as known */
	int64_t scanned, scanned_to; /* this range was read: what was not seen is a gap */
	uint8_t **chunks;         /* of LEDGER_CHUNK bytes; NULL = nothing known */
	size_t first, n;          /* chunks[0] is chunk number `first` */
	int64_t counts[LEDGER_STATES]; /* entries by state; open ones too */
};

struct ledger {
	struct ledger_part *parts;
	int parts_n;
	struct map notes;         /* "P/O" -> note */
	int64_t entries;          /* read or applied */
};

/* Where partition p's log begins; once for each partition before anything else. */
void ledger_start(struct ledger *l, int32_t p, int64_t start);
/* Takes an entry over, newer ones last; below the log's start it is not kept. */
void ledger_apply(struct ledger *l, const struct ledger_entry *x);
/* O(1). */
enum ledger_state ledger_state(const struct ledger *l, int32_t p, int64_t offset);
/* NULL = none. */
const char *ledger_note(const struct ledger *l, int32_t p, int64_t offset);

/* A reading of p from `from` on begins; then each record that is there, in order. */
void ledger_scan(struct ledger *l, int32_t p, int64_t from);
void ledger_saw(struct ledger *l, int32_t p, int64_t offset);
/* The reading has passed everything below `to`. */
void ledger_scanned(struct ledger *l, int32_t p, int64_t to);

/*
 * The contiguous resolved mark: before it nothing is open. A record nobody
 * has an entry for stops it, unless a reading found that there is none.
 * O(1) a record passed; goes back when a record before it is open again.
 */
int64_t ledger_mark(struct ledger *l, int32_t p);
void ledger_release(struct ledger *l);

#endif
