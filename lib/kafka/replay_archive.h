/*
 * replay_archive.h - an archive of a topic: a folder of files of kc-record(5)
 * lines, zstd, and manifest.json, which says what they are (model/replay_archive).
 */
#ifndef KAFKA_REPLAY_ARCHIVE_H
#define KAFKA_REPLAY_ARCHIVE_H

#include "kafka/replay.h"
#include "model/replay_archive.h"

struct archive {
	char *dir, *cluster, *topic;
	int64_t partitions;           /* that the topic had in all */
	struct opt_list configs;      /* NAME=VALUE: those set on the topic */
	struct archive_part *parts;   /* ascending by partition */
	int parts_n;
	struct archive_segment *segments; /* ascending by partition, offset */
	int segments_n;
	struct replay_gap *gaps;      /* offsets that were gone already */
	int gaps_n;
	bool complete;
	char seal[ARCHIVE_DIGEST];    /* of a complete one */
	char spec[ARCHIVE_DIGEST];    /* digest of the selection */
	struct json *doc;             /* what configs borrow from */
};

/* ERR_NOT_FOUND when there is no manifest, ERR_CORRUPT when it is damaged. */
int archive_load(struct archive *a, const char *dir, struct err *e);
int archive_save(struct archive *a, struct err *e);
void archive_release(struct archive *a);
/* The link behind the last segment. */
void archive_link(const struct archive *a, int segments_n, char out[ARCHIVE_DIGEST]);
void archive_seal(const struct archive *a, char out[ARCHIVE_DIGEST]);
/* Takes over the segment's text. */
void archive_add(struct archive *a, const struct archive_segment *s);
/* The path of a file of it; returns owned */
char *archive_path(const struct archive *a, const char *file);

/*
 * Everything that can be known before the first record is used: the chain, the
 * seal, every file's size and digest. `digest` is the seal that it must have,
 * or NULL. ERR_CORRUPT names the file.
 */
int archive_check(const struct archive *a, const char *digest, struct err *e);

/* Writes, or goes on with, an archive of the topic of o->spec. */
int replay_archive_write(const struct replay_options *o, const char *dir,
	int64_t segment_size, struct buf *summary, struct err *e);

/*
 * The spec of a job that replays the archive; checks it, and its seal. The
 * spec borrows from the two texts, which are returned owned.
 */
int replay_archive_spec(const char *dir, const char *digest,
	struct replay_spec *spec, char **owned_dir, char **owned_topic,
	struct err *e);

#endif
