/*
 * commit.h - commits, and the thread that makes them durable.
 *
 * A commit collects what was appended while the one before was being synced
 * (group commit: the batch size follows the disk, there is no timer). It
 * goes into the write-ahead log with one fdatasync; a segment that has a
 * large part of it is synced itself instead (direct), as everything is when
 * the write-ahead log is full.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "store/batch.h"
#include "store/wal.h"

struct committer;
struct partlog;
struct segment;
struct store;

/* One run of bytes in one segment; or, without segment, a new log start. */
struct range {
	struct partlog *log;
	struct segment *segment; /* a reference is held; NULL = log start */
	int64_t pos, len;
	int64_t base_offset, end_offset;
	/* The first bytes of it that are in the commit's stage, if not all, and
	 * what they are there; the rest is read from the segment. */
	int64_t staged, staged_size, staged_end;
	bool unstaged; /* is to be all behind what is */
	bool unnamed;  /* the segment's directory entry may not be on disk */
	bool direct;   /* out: its file was synced */
};

struct commit {
	struct list node;
	uint64_t seq;
	struct range *ranges;
	int n, cap;
	size_t bytes;
	struct wal_stage stage; /* frames of it, with the number of their range */
	size_t direct_bytes; /* out: synced directly */
	int error;           /* out: errno */
	bool wal_due;        /* out: so much is in the WAL that a start would be slow */
	int64_t sync_us;     /* out: how long it took */
	int64_t wal_used;    /* out: bytes of the WAL in use */
	struct wal_place wal_end; /* out: where the next one begins */
	bool unlogged;       /* out: a log start is durable with the next checkpoint only */
	uint64_t held_for;   /* the number of that checkpoint */
};

struct commit *commit_new(void);
void commit_free(struct commit *c);
/* It ended: what it has allocated can be used again. */
void commit_clear(struct commit *c);
struct range *commit_add(struct commit *c);

/* Makes c durable, on the calling thread; c->error says how it went. */
void commit_sync(struct store *s, struct commit *c);

/* ---- the thread ---- */

struct committer *committer_start(struct store *s);
/* Takes c; it comes back from committer_done() and store.o.wake is called. */
void committer_push(struct committer *k, struct commit *c);
/* A pushed commit the thread did not begin and will not begin soon, or NULL. */
struct commit *committer_take_back(struct committer *k);
/* Ended commits, oldest first. */
void committer_done(struct committer *k, struct list *done);
/* Ends the thread when all that was pushed is done. */
void committer_stop(struct committer *k);
void committer_free(struct committer *k);

/* ---- the loop's side ---- */

/* `len` bytes at pos of the segment hold these offsets: part of the open commit. */
uint64_t commit_note(struct partlog *l, struct segment *g, int64_t pos,
	int64_t len, int64_t base_offset, int64_t end_offset);
/* Likewise of one batch, whose bytes are at hand. */
uint64_t commit_note_batch(struct partlog *l, struct segment *g, int64_t pos,
	const uint8_t *bytes, const struct batch *b);
/* The log's start has moved. */
uint64_t commit_note_start(struct partlog *l);
/* The newest commit there is: once it ended, all that was appended is durable. */
uint64_t commit_newest(const struct store *s);
/* The commit that is open, for whoever runs it; or NULL when it is empty. */
struct commit *commit_seal(struct store *s);

#endif
