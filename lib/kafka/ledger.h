/*
 * ledger.h - where the ledger of a dead-letter topic is kept (model/ledger.h
 * says what is in it).
 *
 * A topic: DLQ.kc-ledger, compacted, one partition. Its entries are records
 * of the same transaction as the copies that they tell of.
 *
 * A file (file:PATH), where topics cannot be made: lines of
 *
 *	{"key":"0/5","value":{...},"batch":7}     an entry
 *	{"end":"commit","batch":7}                the batch before it counts
 *	{"end":"abort","batch":7}                 it does not
 *
 * only ever appended to, synced, and locked while a run goes on. A batch is
 * on disk before its transaction is committed, and "ID:7" travels in that
 * transaction as the metadata of the group's offsets. So after a crash
 * between the two, the cluster knows whether the last batch counts.
 */
#ifndef KAFKA_LEDGER_H
#define KAFKA_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "cli/conf.h"
#include "kafka/client.h"

/* Gets every entry in the order of writing. value null = forgotten. */
struct ledger_sink {
	int (*take)(void *arg, struct slice key, struct slice value, struct err *e);
	void *arg;
};

/* ---- the topic ---- */

/* Appended to the name of the dead-letter topic. */
#define LEDGER_SUFFIX ".kc-ledger"

/* Makes the topic and waits for it; 0 too when another was faster. */
int ledger_topic_create(struct client *c, const char *topic, int timeout_ms,
	struct err *e);
/* Everything that is committed, to the end as of now. */
int ledger_topic_read(const struct conf *conf, const char *topic,
	int timeout_ms, const struct ledger_sink *sink, struct err *e);

/* ---- the file ---- */

struct ledger_file;

/*
 * write: made when it is not there, and locked: ERR_REFUSED when another has
 * the lock. Without it a file that is not there is an empty ledger.
 */
int ledger_file_open(struct ledger_file **out, const char *path, bool write,
	struct err *e);
/*
 * Entries of batches that count. metadata is what the group's offsets carry
 * ("ID:N", NULL = none): it decides about a last batch without an end.
 */
int ledger_file_read(struct ledger_file *f, const char *metadata,
	const struct ledger_sink *sink, struct err *e);
/* An entry of the batch that is being written. */
void ledger_file_add(struct ledger_file *f, struct slice key, struct slice value);
/* Puts the batch on disk; the metadata that must travel with it, borrowed. */
const char *ledger_file_prepare(struct ledger_file *f, struct err *e);
/* It counts, or it does not. */
int ledger_file_end(struct ledger_file *f, bool committed, struct err *e);
void ledger_file_close(struct ledger_file *f);

#endif
