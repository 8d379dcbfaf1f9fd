/*
 * state.h - what meta/ knows, shared by its files: topics.c keeps the table,
 * changes.c changes it, load.c fills it.
 */
#ifndef META_STATE_H
#define META_STATE_H

#include "meta/meta.h"
#include "meta/settings.h"
#include "store/batch.h"

enum change_kind {
	CHANGE_CREATE, CHANGE_DELETE, CHANGE_GROW, CHANGE_CONFIGS, CHANGE_SETTINGS,
};

/* What was asked for and is not in the log yet; the new part is owned. */
struct change {
	enum change_kind kind;
	struct topic *topic;        /* CHANGE_CREATE: owned too */
	struct partlog **partitions; /* CHANGE_GROW: the whole new array */
	int32_t partitions_n;
	struct map configs;         /* CHANGE_CONFIGS */
	struct settings *settings;  /* CHANGE_SETTINGS: all of the thing's */
};

struct delete_hook {
	struct delete_hook *next;
	void (*fn)(void *arg, struct topic *t);
	void *arg;
};

struct settings_hook {
	struct settings_hook *next;
	enum settings_kind kind;
	void (*fn)(void *arg, struct slice name);
	void *arg;
};

struct meta {
	struct store *store;
	const struct clock *clock;
	const struct config *config;
	struct partlog *log;
	struct uuid cluster_id;
	struct log_config defaults; /* of a topic without overrides */

	struct topic **topics; /* sorted by name */
	int topics_n, topics_cap;
	struct map by_name, by_id, by_folded;
	int64_t partitions_n;  /* of all topics */
	uint64_t version;      /* of the topics and their partitions, see meta_version() */

	int64_t producer_next, producer_end; /* ids reserved and not given yet */
	uint64_t producer_commit;            /* of that reservation */

	bool grouped;
	struct batch_builder batch; /* records of `changes` */
	struct change *changes;
	int changes_n, changes_cap;
	int64_t changes_partitions; /* new ones among them */
	struct map creating;        /* topics of CHANGE_CREATE, by folded name */

	int64_t header_at;      /* offset where the newest snapshot begins */
	uint64_t header_commit;
	int64_t log_bytes;      /* since then */
	int64_t snapshot_bytes; /* of the last one that was made, 0 = none yet */
	struct delete_hook *hooks;

	struct map settings;        /* struct settings by kind and name */
	int settings_n[SETTINGS_QUOTA + 1]; /* by kind */
	struct settings_hook *settings_hooks;
};

/* ---- topics.c ---- */

/* Without partitions; topic_free() leaves the logs to the store. */
struct topic *topic_new(struct slice name, const struct uuid *id);
void topic_free(struct topic *t);
/* Takes the topic; meta_remove_topic() gives it back. */
void meta_add_topic(struct meta *m, struct topic *t);
void meta_remove_topic(struct meta *m, struct topic *t);
/*
 * A topic, there already or in the open group, whose name is this one but for
 * '.' and '_'. Kafka's metric names have '_' for '.': two such topics would
 * be one there. The name must have been checked.
 */
struct topic *meta_find_alike(const struct meta *m, struct slice name);
/* Frees them all. */
void meta_forget_topics(struct meta *m);

/* ---- settings.c ---- */

struct settings *settings_new(enum settings_kind kind, struct slice name);
void settings_free(struct settings *s);
/* Replaces a value of the same key. */
void settings_put(struct settings *s, struct slice key, struct slice value);
/* Takes s: the thing has these now. */
void settings_apply(struct meta *m, struct settings *s);
void settings_forget(struct meta *m);

/* ---- load.c ---- */

/*
 * A log that has grown far beyond what it says, or is new, gets a snapshot of
 * all there is, and loses what is before it once that is committed.
 */
int16_t meta_shorten_log(struct meta *m, bool is_new, struct append_result *r);

/* ---- changes.c ---- */

/* logs[from..to) of the topic: all, or none and -1. */
int meta_attach(struct meta *m, const struct topic *t, struct partlog **logs,
	int32_t from, int32_t to, struct err *e);
/* Into the open group; its records go into m->batch. */
struct change *meta_change(struct meta *m, enum change_kind kind, struct topic *t);
/* Opens a group for one change, when none is open: then true, for meta_finish(). */
bool meta_alone(struct meta *m);
int16_t meta_finish(struct meta *m, bool is_alone, uint64_t *commit, const char **why);
/* Appends what m->batch holds and releases it. */
int16_t meta_append(struct meta *m, struct append_result *r);

#endif
