/*
 * fetch_session.h - incremental fetch sessions (KIP-227): what a consumer
 * reads is remembered, so that its requests and our replies name only what
 * changed.
 */
#ifndef API_FETCH_SESSION_H
#define API_FETCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/uuid.h"

/* One partition that is being fetched, of a session or of one request. */
struct fetch_part {
	struct list node;       /* in reading order */
	struct slice key;       /* of the session's map: topic id or name, partition */
	struct uuid topic_id;   /* zero when the topic goes by name (below v13) */
	struct slice topic;     /* name; null when it goes by id */
	int32_t partition;
	int32_t leader_epoch;   /* the client's, -1 = none */
	int64_t offset;
	int32_t max_bytes;
	/* what the client was told last; -1 = nothing yet */
	int64_t told_high_watermark, told_log_start;
};

struct fetch_session {
	struct list node;       /* least recently used first */
	int32_t id;             /* > 0 */
	uint8_t id_key[4];
	int32_t epoch;          /* that the next request must carry */
	bool by_id;             /* topics go by id: fixed by the first request */
	int busy;               /* requests parked on it */
	bool closed;            /* to be freed when it is no longer busy */
	int64_t used_at;        /* monotonic ms */
	struct list parts;
	struct map by_key;
	int parts_n;
	int *all_parts_n;       /* of all sessions */
};

struct fetch_sessions;

/* At most `slots` sessions; above that the oldest idle one makes room. */
struct fetch_sessions *fetch_sessions_new(int slots);
void fetch_sessions_free(struct fetch_sessions *ss);
/* How many there are, and how many partitions they remember. */
int fetch_sessions_count(const struct fetch_sessions *ss, int *partitions);

/* NULL when there is no room: the client then fetches without a session. */
struct fetch_session *fetch_session_open(struct fetch_sessions *ss, bool by_id,
	int64_t now_ms);
struct fetch_session *fetch_session_find(struct fetch_sessions *ss, int32_t id,
	int64_t now_ms);
void fetch_session_close(struct fetch_sessions *ss, struct fetch_session *s);

/* A parked request holds its session; the last one frees a closed session. */
void fetch_session_hold(struct fetch_session *s);
void fetch_session_drop(struct fetch_session *s);

/*
 * Adds the partition, or updates offset and limit of the one that is there.
 * False: all sessions together have as many as they may.
 */
bool fetch_session_put(struct fetch_session *s, const struct fetch_part *p);
void fetch_session_forget(struct fetch_session *s, const struct fetch_part *p);

#endif
