/*
 * reset.h - where a consumer group is to go on reading: targets, plans, and
 * what they mean for its records. Pure: what the brokers know comes in.
 *
 * A log has offsets [start, end). A position is the offset of the next record
 * to be read; the broker accepts any, so the range is checked here:
 *
 *	target            out of [start, end]
 *	OFFSET, a file    refused, or with `clamp` the nearest end
 *	+N -N group:      the nearest end, and the row says so
 *	an undo           restored as it was
 */
#ifndef MODEL_RESET_H
#define MODEL_RESET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum reset_kind {
	RESET_UNSET,
	RESET_EARLIEST,
	RESET_LATEST,
	RESET_CURRENT, /* what is committed, committed again: it expires later */
	RESET_OFFSET,  /* value */
	RESET_SHIFT,   /* value, from what is committed */
	RESET_TIME,    /* value: ms since the epoch; the first record as late */
	RESET_GROUP,   /* where another group is */
	RESET_LOST,    /* to the start, where that is behind what is committed */
	RESET_FILE,    /* each row has its own */
	RESET_FORGET,  /* no offset any more */
};

struct reset_target {
	enum reset_kind kind;
	int64_t value;
	const char *group; /* of RESET_GROUP; borrows */
};

/*
 * earliest | latest | current | OFFSET | +N | -N | TIME as num_time() has it |
 * group:NAME | start-if-lost. ERR_USAGE.
 */
int reset_target_parse(const char *text, int64_t now_ms,
	struct reset_target *out, struct err *e);

/* "TOPIC" or "TOPIC:0,2-5"; partitions is owned, NULL = all. ERR_USAGE. */
struct reset_scope {
	struct slice topic; /* borrows */
	int32_t *partitions;
	int n;
};
int reset_scope_parse(const char *text, struct reset_scope *out, struct err *e);
/* One of them names it, or there are none. */
bool reset_scopes_have(const struct reset_scope *scopes, int n, const char *topic,
	int32_t partition);

/* Why a row moves elsewhere, or not at all. The names are reset_note_name()'s. */
enum reset_note {
	RESET_FINE,
	RESET_CLAMPED,      /* the target is out of the log: its nearest end */
	RESET_NO_LATER,     /* no record is as late as the time: the end */
	/* stays where it is */
	RESET_SAME,         /* is there already */
	RESET_NO_COMMIT,    /* nothing to shift or to copy */
	RESET_NOT_LOST,     /* start-if-lost: it is in the log */
	RESET_TOPIC_GONE,   /* deleted, with what was committed */
	/* cannot be done */
	RESET_OUT_OF_RANGE, /* the target is out of the log */
	RESET_NO_LOG,       /* the log's ends could not be had: no leader */
	RESET_STALE,        /* the group is not where the plan saw it */
};

struct reset_row {
	const char *group, *topic; /* in the plan's arena */
	int32_t partition;
	int64_t from;              /* committed; -1 = nothing */
	int64_t to;                /* the plan; -1 = nothing */
	const char *from_metadata, *to_metadata; /* beside them; NULL = nothing */
	int64_t start, end;        /* of the log; -1 = not known */
	int64_t found;             /* of RESET_TIME, RESET_GROUP; -1 = nothing */
	int64_t expected;          /* of a file: what `from` has to be */
	bool has_expected;
	bool is_exact;             /* of an undo: not looked at, only restored */
	bool is_gone;              /* there is no such topic or partition */
	bool moves;                /* is to be written */
	enum reset_note note;
	int64_t from_ms, to_ms;    /* time of the record there; -1 = not known */
};

struct reset_plan {
	struct arena arena;
	struct reset_row *rows;    /* ascending by group, topic, partition */
	int n, cap;
};

/* A row at the end, with nothing known; names are copied. Until the next one. */
struct reset_row *reset_add(struct reset_plan *p, struct slice group,
	struct slice topic, int32_t partition);
/* ERR_FORMAT when a partition is there twice. */
int reset_sort(struct reset_plan *p, struct err *e);
struct reset_row *reset_find(const struct reset_plan *p, const char *group,
	const char *topic, int32_t partition);
void reset_release(struct reset_plan *p);

/* Sets to, note and moves from all the rest. */
void reset_decide(struct reset_row *row, const struct reset_target *t, bool clamp);
/* Compares with what is committed now: sets from, and on a difference the note. */
void reset_compare(struct reset_row *row, int64_t committed);

/*
 * Records that a move skips (positive) or reads again (negative); false when
 * nobody can know: there was no position, or there will be none.
 */
bool reset_distance(const struct reset_row *row, int64_t *out);

/* The plan that restores what p changes, metadata too. out is empty before. */
void reset_undo(const struct reset_plan *p, struct reset_plan *out);

/* "clamped"; NULL for RESET_FINE */
const char *reset_note_name(enum reset_note note);
bool reset_note_is_failure(enum reset_note note);

/*
 * A line of the files that kafka-consumer-groups exports: TOPIC,PARTITION,
 * OFFSET, or GROUP in front; RFC 4180 quotes. group is for the short form:
 * NULL = it is an error. ERR_FORMAT.
 */
int reset_read_csv(struct reset_plan *p, struct slice line, const char *group,
	struct err *e);
/* Appends GROUP,TOPIC,PARTITION,OFFSET, LF; without the group when NULL. */
void reset_write_csv(struct buf *out, const char *group, const char *topic,
	int32_t partition, int64_t offset);

#endif
