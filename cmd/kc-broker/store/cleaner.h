/*
 * cleaner.h - compaction of the logs whose cleanup.policy has compact: which
 * one is next, the thread that does the work (compact.h), and the exchange
 * of old segments for new ones.
 *
 * The exchange survives a crash at any moment. A group of segments from
 * offset `base` up to `end` is written anew as
 *	<base>.log.cleaned        being written; removed by a start
 * and synced; the loop then renames it
 *	<base>-<end>.swap         from here on it stands for all of [base, end)
 * and uses it in place of the old ones. Once that name is on disk the old
 * ones are renamed .deleted, but for the first, and its indexes removed;
 * once that is on disk <base>-<end>.swap becomes <base>.log, which is synced
 * before the log is clean. A start that is not after a clean end and finds a
 * .swap does what is left of this. Only segments that no recovery
 * reads are cleaned: a checkpoint was begun after the next one was.
 *
 * How far each log is clean is in the file cleaner-offset-checkpoint, in
 * Kafka's form. It is only a hint: without it more is read again.
 */
#ifndef STORE_CLEANER_H
#define STORE_CLEANER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cleaner;
struct partlog;
struct store;

struct cleaner *cleaner_new(struct store *s);
/* Reads how far logs are clean, and starts the thread. */
int cleaner_start(struct cleaner *k, struct err *e);
/* An exchange that was begun is ended, other work is dropped. */
void cleaner_stop(struct cleaner *k);
void cleaner_free(struct cleaner *k);

/* Looks for a log that is dirty enough, when it is time. */
void cleaner_tick(struct cleaner *k, int64_t now_mono);
/* Takes what the thread has done, and gives it more. */
void cleaner_poll(struct cleaner *k);
/* The log goes: nothing of it is touched any more. */
void cleaner_forget(struct cleaner *k, struct partlog *l);

/* Logs cleaned since the start; and is one being cleaned now? */
uint64_t cleaner_rounds(const struct cleaner *k);
bool cleaner_is_busy(const struct cleaner *k);

/* At a start after a crash: a name that says there is something to do. */
bool cleaner_is_leftover(const char *name);
/* Ends exchanges, removes what was half done. */
int cleaner_recover(struct partlog *l, struct err *e);

#endif
