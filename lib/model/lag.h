/*
 * lag.h - how far consumer groups are behind: the snapshot, and its
 * arithmetic. Pure: what was measured comes in (kafka/lag_measure.h fills it),
 * what follows from it is written beside it; printers only read.
 *
 * Vocabulary: the log of a partition has offsets [start, end), `end` being
 * the high watermark, or with --isolation committed the last stable offset
 * (LSO). `committed` is the next offset the group would read.
 *
 *	lag     end - max(committed, start): the records that are there and unread
 *	lost    start - committed, when positive: deleted before they were read
 *	ahead   committed - end, when positive: the log was truncated, or the
 *	        topic deleted and made again; the next fetch resets the group
 *	unread  end - start of a partition without a commit: what would be read
 *	        with auto.offset.reset=earliest. No part of any total
 *	age     now - the timestamp of the oldest unread record
 *
 * A number that could not be had is -1 and has a reason; it is never 0.
 * Offsets count places, not records: where the log is compacted or has
 * transactions, lag is an upper bound.
 *
 * With both isolations `end` is the high watermark and `stable` the LSO, and
 * stable_lag is what a reader of committed records could read: stable -
 * max(committed, start).
 */
#ifndef MODEL_LAG_H
#define MODEL_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/slice.h"

/* The worse, the later. The names are lag_status_name()'s. */
enum lag_status {
	LAG_OK,
	LAG_UNKNOWN,  /* could not be measured, or is watched not long enough */
	LAG_AHEAD,    /* ahead > 0, twice in a row */
	LAG_SLOW,     /* commits, and falls behind */
	LAG_REWOUND,  /* committed went back and is not where it was */
	LAG_LOST,     /* lost > 0 */
	LAG_STALLED,  /* owned, has lag, and does not commit */
	LAG_STOPPED,  /* has lag, and no member owns it */
};

/* Why a number is missing, or what a number hides. Several rows a table. */
enum lag_reason {
	LAG_NO_REASON,
	/* facts */
	LAG_NO_COMMIT,        /* the group has not committed here */
	LAG_NO_OFFSETS,       /* a group without commits and assignments */
	LAG_TOPIC_GONE,       /* committed, and the topic or partition is deleted */
	LAG_UNASSIGNED,       /* committed, and no member has it; see counts */
	LAG_MARKERS,          /* only transaction markers are unread */
	LAG_OPEN_TRANSACTION, /* what is unread waits for a transaction to end */
	LAG_NO_HISTORY,       /* no verdict before it is seen for some time */
	LAG_SHARE_GROUP,      /* no committed offsets: brokers keep a share group's */
	LAG_GROUP_GONE,       /* named, and does not exist */
	/* failures: the snapshot is partial */
	LAG_NO_LEADER,
	LAG_UNAUTHORIZED,
	LAG_LOADING,          /* the coordinator is not ready */
	LAG_TIMEOUT,          /* nobody answered before the deadline */
	LAG_ERROR,            /* `error` says which */
};

enum lag_age_source {
	LAG_AGE_NONE,         /* not asked, or not known */
	LAG_AGE_ZERO,         /* no lag */
	LAG_AGE_RECORD,       /* the record was read: exact */
	LAG_AGE_SEARCH,       /* searched with ListOffsets, and exact: the record
	                         found is the one at the position */
	LAG_AGE_BOUND,        /* searched, but the record found lies before the
	                         position: the newest time among what was passed.
	                         The age is no more where timestamps are in order */
};

/* The log of one partition, shared by all groups. */
struct lag_log {
	int64_t start, end;      /* -1 = not known, see reason */
	int64_t stable;          /* the LSO; -1 = not asked */
	int32_t leader;          /* -1 = none */
	enum lag_reason reason;  /* why start or end is not known */
	const char *error;       /* in words, or NULL */
	bool wanted;             /* some group reads it */
};

struct lag_topic {
	const char *name;
	struct lag_log *logs;    /* by partition id */
	int logs_n;              /* partitions; 0 with a reason */
	enum lag_reason reason;
	const char *error;
	bool is_compacted;       /* where that was asked: lag is a bound */
	int64_t retention_ms;    /* -1 = not asked, or for ever */
};

struct lag_member {
	const char *id, *client_id, *host;
	const char *instance_id; /* NULL = dynamic, or not asked */
	int partitions_n;        /* assigned to it */
};

/* One partition of one group: a row. */
struct lag_partition {
	/* measured */
	struct lag_topic *topic; /* NULL in a row that stands for a whole group */
	int32_t id;
	int64_t committed;       /* -1 = none */
	const struct lag_member *member; /* NULL = no one is known to own it */
	enum lag_reason failed;  /* this partition's commit could not be read */
	const char *failed_why;
	int64_t oldest_ms;       /* timestamp of the oldest unread record; -1 = not
	                            known, or none */
	enum lag_age_source age_source; /* NONE: the age is not known */
	int64_t age_ms;          /* negative where that lies in the future */
	/* follows: lag_compute() */
	int64_t lag, lost, ahead, unread; /* -1 = not known, or does not apply */
	int64_t stable_lag;      /* the same */
	bool counts;             /* is part of the totals: not without a commit,
	                            nor where no member subscribes to the topic */
	enum lag_reason reason;
	const char *error;       /* in words, or NULL */
	/* follows from samples: lag_status.h */
	enum lag_status status;
	double consumed_per_s, produced_per_s; /* -1 = not known */
	int64_t eta_ms;          /* -1 = not known, LAG_NEVER */
};

#define LAG_NEVER INT64_MAX

struct lag_group {
	const char *name;
	const char *state;       /* "Stable", "Empty", ...; "" = not known */
	const char *protocol;    /* "classic", "consumer" (KIP-848), "share",
	                            "connect", ...; "" = not known */
	const char *assignor;    /* "" = none, or not known */
	const char *coordinator; /* "host:port", or "" */
	int32_t coordinator_id;  /* -1 = not known */
	struct lag_member *members;
	int members_n;           /* -1 = cannot be had (librdkafka < 2.10 and a
	                            group of the new protocol) */
	enum lag_reason reason;  /* of the whole group */
	const char *error;
	const char *near;        /* of one that is not there: a name like it, or NULL */
	struct lag_partition *partitions; /* by topic, partition */
	int partitions_n;
	/* sums over the rows that count: lag_sum() */
	int64_t lag, lost, ahead, unread; /* -1 = no row has one */
	int64_t age_ms;          /* the oldest; -1 = none is known */
	int64_t eta_ms;          /* the longest; -1 = none is known, LAG_NEVER */
	double consumed_per_s, produced_per_s; /* -1 = not known */
	int failed_n;            /* rows that could not be measured */
	bool is_bound;           /* lag is an upper bound: of compacted topics too */
	enum lag_status status;  /* the worst */
};

struct lag_snapshot {
	struct arena arena;      /* all that the snapshot points to */
	int64_t taken_ms;        /* wall clock when the ends were read */
	const char *cluster_id;  /* "" = not told */
	int brokers_n;
	struct lag_group *groups;
	int groups_n;
	struct map topics;       /* name -> struct lag_topic */
	bool partial;            /* something could not be measured */
	const char *partial_why; /* the first failure, in words */
	bool is_committed_only;  /* `end` is the LSO */
	bool has_stable;         /* `stable` was asked for */
	bool counts_unassigned;  /* topics without a subscriber are in totals */
};

void lag_snapshot_release(struct lag_snapshot *s);

/* The topic of that name, made when it is new; the name is copied. */
struct lag_topic *lag_topic(struct lag_snapshot *s, struct slice name);
struct lag_topic *lag_topic_find(const struct lag_snapshot *s, struct slice name);

/*
 * Derives lag, lost, ahead, unread, reason and counts of a group's rows.
 * all: topics that no member subscribes to count too.
 */
void lag_compute(struct lag_group *g, bool all);
/* The sums of a group, from its rows. */
void lag_sum(struct lag_group *g);
/* Both for all groups, and sets partial when a row or group failed. */
void lag_finish(struct lag_snapshot *s);

/* Sorts groups, worst first: status, then lag, then name. */
void lag_sort(struct lag_snapshot *s);

/* Where the group reads on: max(committed, start); -1 = it has no lag. */
int64_t lag_position(const struct lag_partition *p);
/* Sets the age of a row from the timestamp of its oldest unread record. */
void lag_set_age(struct lag_partition *p, int64_t oldest_ms,
	enum lag_age_source source, int64_t now_ms);

/* A row of which nothing is known yet but the partition. */
struct lag_partition lag_row(struct lag_topic *t, int32_t id);

/* The row's lag is an upper bound: compaction has taken some of its records, or will. */
bool lag_is_bound(const struct lag_partition *p);

/* The log that a row is about, or NULL. */
const struct lag_log *lag_log_of(const struct lag_partition *p);

/* "OK", "STALLED" */
const char *lag_status_name(enum lag_status s);
/* 0, or -1 when text is no status; case does not matter. */
int lag_status_parse(struct slice text, enum lag_status *out);
/* "topic-gone"; NULL for none */
const char *lag_reason_name(enum lag_reason r);
/* It is a failure to measure, not a fact. */
bool lag_reason_is_failure(enum lag_reason r);
/* "record", "search", "bound", "none" for no lag; NULL where it is not known */
const char *lag_age_source_name(enum lag_age_source s);

#endif
