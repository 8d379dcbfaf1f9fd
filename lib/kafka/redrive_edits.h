/*
 * redrive_edits.h - copies that were mended by hand: lines of kc-record(5)
 * whose src names the dead letter that they are of.
 */
#ifndef KAFKA_REDRIVE_EDITS_H
#define KAFKA_REDRIVE_EDITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "model/ledger.h"
#include "model/record.h"

struct redrive_edit {
	char *name;             /* "P/O" */
	int32_t partition;
	int64_t offset;
	struct slice line;      /* owned */
	bool used;              /* its dead letter was open */
	enum ledger_state state; /* as the ledger has it, also when the topic has it no more */
};

struct redrive_edits;

struct redrive_edits *redrive_edits_new(const char *dlq); /* borrows dlq */
void redrive_edits_free(struct redrive_edits *l);

/* ERR_FORMAT: no record, no src, of another topic, or twice. Copies the line. */
int redrive_edits_add(struct redrive_edits *l, struct slice line, struct err *e);
int redrive_edits_count(const struct redrive_edits *l);

/* Of dlq_options.on_entry: what became of each. */
void redrive_edits_entry(void *edits, const struct ledger_entry *x);

/*
 * The record of a dead letter, which is then used: its slices are valid until
 * the next call. False when there is none.
 */
bool redrive_edits_take(struct redrive_edits *l, int32_t partition,
	int64_t offset, struct record *out);
/* The next one nobody took; *i is 0 at first. NULL = no more. */
const struct redrive_edit *redrive_edits_unused(const struct redrive_edits *l, int *i);

#endif
