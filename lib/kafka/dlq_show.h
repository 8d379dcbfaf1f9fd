/*
 * dlq_show.h - kc-dlq show: all that is known of a dead letter, for a person;
 * for programs, the line of list --json with the payload:
 *	{...,"entry":{...},"record":{...}}
 * entry as the ledger has it, record as kc-record(5).
 */
#ifndef KAFKA_DLQ_SHOW_H
#define KAFKA_DLQ_SHOW_H

#include "base/err.h"
#include "cli/out.h"
#include "kafka/dlq.h"
#include "kafka/dlq_list.h"

/* The last ledger entry of each record that is selected: of dlq_options.on_entry. */
struct dlq_entries;

struct dlq_entries *dlq_entries_new(const struct dlq_select *select); /* returns owned */
void dlq_entries_take(void *entries, const struct ledger_entry *x);
void dlq_entries_free(struct dlq_entries *l);

/* d was opened with dlq_entries_take(), to o->entries. ERR_NOT_FOUND when nothing is selected. */
int dlq_show(struct dlq *d, const struct dlq_list_options *o, struct out *out,
	struct err *e);

#endif
