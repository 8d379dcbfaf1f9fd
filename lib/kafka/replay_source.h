/*
 * replay_source.h - where a replay's records come from: the partitions of a
 * job, from their `next` to their `to`. A topic (replay_source.c) or an
 * archive (replay_archive_read.c).
 */
#ifndef KAFKA_REPLAY_SOURCE_H
#define KAFKA_REPLAY_SOURCE_H

#include "kafka/consume.h"
#include "kafka/replay_job.h"
#include "model/record.h"

struct replay_source {
	/*
	 * The next record and the index of its partition in the job, without
	 * taking it: CONSUME_RECORD again and again until take(). Waits at most
	 * wait_ms (-1 = for ever).
	 */
	enum consume_status (*peek)(struct replay_source *s, int wait_ms,
		const struct record **r, int *part, struct err *e);
	void (*take)(struct replay_source *s);
	/* For each of the job's partitions, where to go on later. */
	void (*positions)(struct replay_source *s, int64_t *next);
	void (*close)(struct replay_source *s);
};

/* by_time: partitions are merged by timestamp. The job's parts must stay. */
int replay_source_topic(struct replay_source **out, const struct conf *conf,
	const struct replay_job *job, bool by_time, int timeout_ms, struct err *e);

/* Files that have other records than their manifest says are ERR_CORRUPT. */
int replay_source_archive(struct replay_source **out,
	const struct replay_job *job, bool by_time, struct err *e);

#endif
