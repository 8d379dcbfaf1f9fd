/*
 * txn.h - the transactions that hold a log's last stable offset back, and
 * the control batches that end them (KIP-98).
 *
 * A transaction begins in a log with the first transactional batch of its
 * producer, is decided by its marker, and is past once the marker is below
 * the high watermark.
 */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/batch.h"
#include "store/partlog.h"

struct txn {
	struct list by_first;   /* in txns.by_first */
	struct list by_marker;  /* in txns.by_marker once it is decided */
	int64_t producer_id;
	int64_t first, marker;  /* offsets; marker -1 = open */
	int64_t last;           /* of its newest record since the start, or first */
};

/* Both lists ascend by themselves: offsets only grow. */
struct txns {
	struct list by_first;   /* all; the first one is what holds the log back */
	struct list by_marker;  /* those that are decided */
};

void txns_init(struct txns *t);
void txns_release(struct txns *t);
struct txn *txns_begin(struct txns *t, int64_t producer_id, int64_t first);
void txns_decide(struct txns *t, struct txn *x, int64_t marker);
/* Markers below hw are visible now. */
void txns_pass(struct txns *t, int64_t hw);
/* First offset of the oldest one, INT64_MAX = none. */
int64_t txns_first(const struct txns *t);
/* What is stable once the marker is visible: up to the oldest open one. */
int64_t txns_stable_after(const struct txns *t, int64_t marker);

/* The marker as a batch: key {version 0, 0 = abort | 1 = commit}, value EndTxnMarker. */
void marker_write(const struct txn_marker *m, int64_t now, bool append_time,
	struct batch_builder *out);
/* What the control batch says; false when it is no marker, or was emptied. */
bool marker_read(const uint8_t *p, const struct batch *b, struct txn_marker *m);

#endif
