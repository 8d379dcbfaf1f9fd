/* dlq_writer.h - the inside of dlq_write.h, for dlq*.c that change or count. */
#ifndef KAFKA_DLQ_WRITER_H
#define KAFKA_DLQ_WRITER_H

#include "kafka/dlq_write.h"
#include "kafka/group_offsets.h"

/* The batch's entries and the run, handed to the producer or the file; run may be NULL. */
int dlq_send_ledger(struct dlq *d, struct dlq_batch *b, struct ledger_run *run,
	struct err *e);
/* What a change adds to the counts of its run. */
void dlq_count(struct ledger_run *run, const struct dlq_change *c);
/* The marks that have moved; all of them the first time, and when metadata travels with them. */
void dlq_add_marks(struct dlq *d, const char *metadata, struct group_offsets *out);
/* What was committed, when returns of it may come at once. ERR_IO. */
int dlq_keep_sent(struct dlq *d, const struct dlq_batch *b, struct err *e);
void dlq_keep_marks(struct dlq *d, const struct group_offsets *marks);

/* dlq_target.c: d->target; its producer, once d's own is open. */
int dlq_target_open(struct dlq *d, struct err *e);
int dlq_target_produce(struct dlq *d, const struct producer_options *o, struct err *e);
void dlq_target_close(struct dlq *d);
/* The cluster of the dead letters. */
struct dlq_target dlq_target_here(struct dlq *d);
/* Where a run sent to; ERR_FAILED when that is another cluster than we know. */
int dlq_target_of(struct dlq *d, const struct ledger_run *run, struct dlq_target *out,
	struct err *e);

/*
 * dlq_anew.c: is the topic the one that the ledger is of? ERR_FAILED when it
 * is not and something is to be written; a warning when it is only read.
 */
void dlq_anew_saw(struct dlq *d, const struct ledger_entry *x);
int dlq_anew_check(struct dlq *d, struct err *e);

/*
 * dlq_plain.c: dlq_commit() without transactions, as dlq_options.plain asks
 * for. Copies first, then their entries; where copies are sent to stands in
 * the run before, so that who comes after a crash finds those without an
 * entry by their headers. Effectively once, as long as nobody else sends.
 */
int dlq_plain_commit(struct dlq *d, struct dlq_batch *b, const struct dlq_commit *o,
	struct err *e);
/* What runs sent that did not end, and the ledger does not have. */
int dlq_plain_recover(struct dlq *d, struct err *e);
/* Of the producer's on_failure: a copy, or (copy false) an entry was not written. */
void dlq_plain_failed(struct dlq *d, struct dlq_change *copy, const struct err *why);

#endif
