/*
 * lag_state.h - the file that one run of kc-lag keeps for the next.
 *
 * It is locked by flock(2) on the file itself while a run reads, judges and
 * replaces it, so a process that dies leaves no lock. A run that cannot have
 * it in time judges by what it reads and keeps nothing.
 */
#ifndef KAFKA_LAG_STATE_H
#define KAFKA_LAG_STATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/lag_status.h"

/* Bytes of a file, and how long a partition that is not seen is remembered. */
enum { LAG_STATE_MAX = 16 << 20, LAG_STATE_DAYS = 7 };

struct lag_state {
	struct buf path;
	int fd;                  /* holds the lock; -1 = none */
	struct lag_histories histories;
	int64_t saved_ms;        /* the time of the snapshot being saved */
	pthread_t saver;
	bool is_saving;          /* by a thread: finds in histories, makes none */
};

#define LAG_STATE_INIT { .fd = -1 }

/*
 * Judges a snapshot by what earlier runs saw, and keeps what it shows for the
 * next: in the file "lag/CLUSTER.jsonl" of conf_state_path(). few: it is not
 * about all partitions of all groups; what the file has of the others stays
 * as it is. keep false: only by what *st itself has seen. What is wrong with
 * the file (no place for it, damaged, locked by another run) is a warning: the
 * verdicts are then what they can be. The histories stay in *st. The file is
 * written meanwhile, and whole when the next snapshot is judged, or *st closed.
 */
void lag_state_judge(struct lag_state *st, struct lag_snapshot *s,
	const struct lag_rules *rules, bool few, bool keep);
void lag_state_close(struct lag_state *st);

#endif
