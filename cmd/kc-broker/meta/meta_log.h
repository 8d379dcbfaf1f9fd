/*
 * meta_log.h - what is written into the metadata log.
 *
 * A record's key is its type, i16 big-endian; its value is the version of
 * the schema, i16, and the message of wire/meta_*.msg. Nothing but the order
 * matters: a topic record replaces what was known of that topic id, and a
 * header (cluster id, format) forgets everything before it, which is how a
 * snapshot begins.
 */
#ifndef META_META_LOG_H
#define META_META_LOG_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "store/batch.h"

/* Format of the whole log; a higher one was written by a newer kc-broker. */
enum { META_FORMAT = 1 };

void meta_log_put_header(struct batch_builder *bb, int64_t now,
	const struct uuid *cluster_id);
/* The topic as it will be: with these partitions and these overrides. */
void meta_log_put_topic(struct batch_builder *bb, int64_t now,
	const struct topic *t, int32_t partitions_n, const struct map *configs);
void meta_log_put_deletion(struct batch_builder *bb, int64_t now,
	const struct uuid *topic_id);
/* All that is set on the thing; nothing forgets it. */
void meta_log_put_settings(struct batch_builder *bb, int64_t now,
	const struct settings *s);
/* Ids below `next` are taken. */
void meta_log_put_producers(struct batch_builder *bb, int64_t now, int64_t next);

/* Who listens to a log being read; slices live until the call returns. */
struct meta_log_reader {
	int (*header)(void *arg, int64_t offset, const struct uuid *cluster_id,
		struct err *e);
	int (*topic)(void *arg, const struct uuid *id, struct slice name,
		int32_t partitions, const struct config_change *configs,
		int configs_n, struct err *e);
	int (*deletion)(void *arg, const struct uuid *id, struct err *e);
	int (*producers)(void *arg, int64_t next, struct err *e);
	int (*settings)(void *arg, int8_t kind, struct slice name,
		const struct config_change *values, int n, struct err *e);
};

int meta_log_read(const struct log_record *r, struct arena *a,
	const struct meta_log_reader *to, void *arg, struct err *e);

#endif
