#include "meta/topic_config.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/batch.h"

#define INT(lo, hi) CONFIG_INT, .min = (lo), .max = (hi)
#define LONG(lo) CONFIG_LONG, .min = (lo), .max = INT64_MAX
#define LONG_MAX_TEXT "9223372036854775807"
#define CODECS "uncompressed|zstd|lz4|snappy|gzip|producer"

static int check_gzip_level(struct slice value, struct err *e);
static int check_throttled(struct slice value, struct err *e);
static int check_tiered(struct slice value, struct err *e);

/* Sorted by name. Types, defaults and bounds as Apache Kafka 4.3 has them. */
static const struct topic_config configs[] = {
	{ "cleanup.policy", CONFIG_LIST, .value = "delete",
		.choices = "compact|delete",
		.doc = "What happens to old records: delete drops segments by "
		       "age and size, compact keeps the newest record of each "
		       "key; both may be given, and an empty list keeps all." },
	{ "compression.gzip.level", INT(-1, 9), .value = "-1",
		.check = check_gzip_level,
		.doc = "Level for compression.type=gzip, -1 for zlib's own "
		       "default." },
	{ "compression.lz4.level", INT(1, 17), .value = "9",
		.doc = "Level for compression.type=lz4." },
	{ "compression.type", CONFIG_STRING, .value = "producer",
		.choices = CODECS,
		.doc = "How batches are compressed in the log; producer keeps "
		       "them as they came." },
	{ "compression.zstd.level", INT(-131072, 22), .value = "3",
		.doc = "Level for compression.type=zstd." },
	{ "delete.retention.ms", LONG(0), .value = "86400000",
		.doc = "How long a compacted topic keeps a tombstone." },
	{ "file.delete.delay.ms", LONG(0), .value = "60000",
		.doc = "How long the files of a dropped segment stay on disk." },
	{ "flush.messages", LONG(1), .value = LONG_MAX_TEXT,
		.doc = "Records after which a flush is forced; of use with "
		       "--fsync interval and never." },
	{ "flush.ms", LONG(0), .value = LONG_MAX_TEXT,
		.doc = "Age of an unflushed record at which the next one "
		       "forces a flush; of use with --fsync interval and never." },
	{ "follower.replication.throttled.replicas", CONFIG_LIST, .value = "",
		.check = check_throttled,
		.doc = "Followers whose replication is throttled; there are "
		       "none on one node." },
	{ "index.interval.bytes", INT(0, INT32_MAX), .value = "4096",
		.doc = "Bytes of log for each entry of its offset index." },
	{ "internal.segment.bytes", INT(1, INT32_MAX), .value = NULL,
		.hidden = true,
		.doc = "segment.bytes without its lower bound, for tests." },
	{ "leader.replication.throttled.replicas", CONFIG_LIST, .value = "",
		.check = check_throttled,
		.doc = "Leaders whose replication is throttled; there is no "
		       "replication on one node." },
	{ "local.retention.bytes", LONG(-2), .value = "-2",
		.doc = "Local part of a tiered log, in bytes; kc-broker has no "
		       "tiers." },
	{ "local.retention.ms", LONG(-2), .value = "-2",
		.doc = "Local part of a tiered log, in milliseconds; kc-broker "
		       "has no tiers." },
	{ "max.compaction.lag.ms", LONG(1), .value = LONG_MAX_TEXT,
		.doc = "Age at which a record must have been compacted." },
	{ "max.message.bytes", INT(0, INT32_MAX), .value = "1048588",
		.doc = "Largest record batch that is accepted, compressed, "
		       "header included." },
	{ "message.timestamp.after.max.ms", LONG(0), .value = "3600000",
		.doc = "How far a record's timestamp may lie ahead of the "
		       "broker's clock." },
	{ "message.timestamp.before.max.ms", LONG(0), .value = LONG_MAX_TEXT,
		.doc = "How far a record's timestamp may lie behind the "
		       "broker's clock." },
	{ "message.timestamp.type", CONFIG_STRING, .value = "CreateTime",
		.choices = "CreateTime|LogAppendTime",
		.doc = "Whose time a record carries: its producer's or the "
		       "broker's at its arrival." },
	{ "min.cleanable.dirty.ratio", CONFIG_DOUBLE, .min = 0, .max = 1,
		.value = "0.5",
		.doc = "Share of not yet compacted bytes at which compaction "
		       "starts." },
	{ "min.compaction.lag.ms", LONG(0), .value = "0",
		.doc = "Age below which a record is never compacted." },
	{ "min.insync.replicas", INT(1, INT32_MAX), .value = "1",
		.doc = "Replicas that must have a record before acks=all is "
		       "answered; kept and shown, one node is always enough." },
	{ "preallocate", CONFIG_BOOL, .value = "false",
		.doc = "Reserve the whole segment file when it is made, "
		       "instead of in steps." },
	{ "remote.log.copy.disable", CONFIG_BOOL, .value = "false",
		.doc = "Stops copying to remote storage; kc-broker has none." },
	{ "remote.log.delete.on.disable", CONFIG_BOOL, .value = "false",
		.doc = "Deletes remote data when tiering is turned off; "
		       "kc-broker has none." },
	{ "remote.storage.enable", CONFIG_BOOL, .value = "false",
		.check = check_tiered,
		.doc = "Tiered storage, which kc-broker does not have." },
	{ "retention.bytes", LONG(INT64_MIN), .value = "-1",
		.doc = "Size of a partition above which its oldest segments go; "
		       "-1 is no limit." },
	{ "retention.ms", LONG(-1), .value = "604800000", .folded = true,
		.doc = "Age above which a segment goes; -1 keeps it for ever." },
	{ "segment.bytes", INT(1048576, INT32_MAX), .value = "1073741824",
		.doc = "Size at which a new segment is begun." },
	{ "segment.index.bytes", INT(4, INT32_MAX), .value = "10485760",
		.doc = "Size of an index file at which a new segment is "
		       "begun; the file grows as needed." },
	{ "segment.jitter.ms", LONG(0), .value = "0",
		.doc = "Up to so much is taken off segment.ms, at random." },
	{ "segment.ms", LONG(1), .value = "604800000", .folded = true,
		.doc = "Age at which a new segment is begun although the old "
		       "one is not full." },
	{ "unclean.leader.election.enable", CONFIG_BOOL, .value = "false",
		.doc = "May a replica that is behind become leader; there is "
		       "one replica here." },
};

const struct topic_config *
topic_configs(int *n)
{
	*n = (int)(sizeof(configs) / sizeof(configs[0]));
	return configs;
}

const struct topic_config *
topic_config(struct slice name)
{
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
		if (slice_eq_str(name, configs[i].name))
			return &configs[i];
	return NULL;
}

static struct slice
trim(struct slice s)
{
	const char *p = s.data;

	while (s.len && (unsigned char)*p <= ' ') {
		p++;
		s.len--;
	}
	while (s.len && (unsigned char)p[s.len - 1] <= ' ')
		s.len--;
	return slice_make(p, s.len);
}

bool
topic_config_item(struct slice *list, struct slice *item)
{
	const char *p = list->data, *comma;

	if (!p)
		return false;
	comma = list->len ? memchr(p, ',', list->len) : NULL;
	if (comma) {
		*item = trim(slice_make(p, (size_t)(comma - p)));
		*list = slice_make(comma + 1, list->len - (size_t)(comma - p) - 1);
	} else {
		*item = trim(*list);
		*list = SLICE_NULL;
	}
	return true;
}

/* ---- checks ----------------------------------------------------------------- */

static bool
is_choice(const char *choices, struct slice v)
{
	for (const char *p = choices; *p; ) {
		size_t n = strcspn(p, "|");

		if (slice_eq(v, slice_make(p, n)))
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

/* "a|b" as "a, b". */
static const char *
choices_text(const char *choices, char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = choices; *p && n + 3 < size; p++) {
		out[n++] = *p == '|' ? ',' : *p;
		if (*p == '|')
			out[n++] = ' ';
	}
	out[n] = '\0';
	return out;
}

/* Java's Integer.parseInt and Long.parseLong: a sign, a plus too, decimal digits. */
static bool
parse_integer(struct slice s, int64_t *out)
{
	struct err e;

	if (s.len > 1 && *(const char *)s.data == '+' &&
	    ((const char *)s.data)[1] != '-')
		s = slice_make((const char *)s.data + 1, s.len - 1);
	return !num_int(s, INT64_MIN, INT64_MAX, out, &e);
}

static bool
parse_double(struct slice s, double *out)
{
	char text[64];
	char *end;

	if (!s.len || s.len >= sizeof(text))
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	if (text[strspn(text, "+-.0123456789eE")])
		return false;
	*out = strtod(text, &end);
	return !*end && isfinite(*out);
}

/* v <=> min..max has been tested; which bound broke, in Kafka's words. */
static int
out_of_bounds(bool low, int64_t bound, struct err *e)
{
	return err_set(e, ERR_USAGE, "Value must be %s %" PRId64,
		low ? "at least" : "no more than", bound);
}

static int
check_integer(const struct topic_config *c, struct slice v, struct err *e)
{
	bool is_int = c->type == CONFIG_INT;
	int64_t i;

	if (!parse_integer(v, &i) || (is_int && i != (int32_t)i))
		return err_set(e, ERR_USAGE, "Not a number of type %s",
			is_int ? "INT" : "LONG");
	if (c->check)
		return c->check(v, e);
	if (i < c->min || i > c->max)
		return out_of_bounds(i < c->min, i < c->min ? c->min : c->max, e);
	return 0;
}

static int
check_double(const struct topic_config *c, struct slice v, struct err *e)
{
	double d;

	if (!parse_double(v, &d))
		return err_set(e, ERR_USAGE, "Not a number of type DOUBLE");
	if (d < (double)c->min || d > (double)c->max)
		return out_of_bounds(d < (double)c->min,
			d < (double)c->min ? c->min : c->max, e);
	return 0;
}

static int
check_choice(const struct topic_config *c, struct slice v, struct err *e)
{
	char text[128];

	if (!c->choices || is_choice(c->choices, v))
		return 0;
	return err_set(e, ERR_USAGE, "String must be one of: %s",
		choices_text(c->choices, text, sizeof(text)));
}

static int
check_list(const struct topic_config *c, struct slice v, struct err *e)
{
	struct slice item;

	if (c->check)
		return c->check(v, e);
	if (!v.len)
		return 0;
	while (topic_config_item(&v, &item)) {
		if (!item.len)
			return err_set(e, ERR_USAGE, "an item of the list is empty");
		if (check_choice(c, item, e) < 0)
			return -1;
	}
	return 0;
}

static bool
is_word(struct slice v, const char *word)
{
	return v.len == strlen(word) && !strncasecmp(v.data, word, v.len);
}

static int
check_bool(const struct topic_config *c, struct slice v, struct err *e)
{
	if (!is_word(v, "true") && !is_word(v, "false"))
		return err_set(e, ERR_USAGE,
			"Expected value to be either true or false");
	return c->check ? c->check(v, e) : 0;
}

static int
check_gzip_level(struct slice value, struct err *e)
{
	int64_t i;

	if (!parse_integer(value, &i) || i < -1 || i == 0 || i > 9)
		return err_set(e, ERR_USAGE,
			"Value must be between 1 and 9 or equal to -1");
	return 0;
}

static int
check_tiered(struct slice value, struct err *e)
{
	if (is_word(value, "true"))
		return err_set(e, ERR_UNSUPPORTED, "kc-broker has no tiered "
			"storage (leave it false, or use Apache Kafka)");
	return 0;
}

/* "", "*", or partition:broker,partition:broker */
static int
check_throttled(struct slice value, struct err *e)
{
	struct slice list = value, item, number;
	int64_t i;

	if (!value.len || slice_eq_str(value, "*"))
		return 0;
	while (topic_config_item(&list, &item)) {
		const char *colon = item.len ? memchr(item.data, ':', item.len) : NULL;

		if (!colon)
			goto bad;
		number = slice_make(item.data, (size_t)(colon - (const char *)item.data));
		if (!parse_integer(number, &i) || i < 0)
			goto bad;
		number = slice_make(colon + 1, item.len - number.len - 1);
		if (!parse_integer(number, &i) || i < 0)
			goto bad;
	}
	return 0;
bad:
	return err_set(e, ERR_USAGE, "it must be '*' or a list of replicas: "
		"[partitionId]:[brokerId],[partitionId]:[brokerId],...");
}

int
topic_config_check(const struct topic_config *c, struct slice value,
	struct err *e)
{
	struct slice v = trim(value);
	int r;

	switch (c->type) {
	case CONFIG_BOOL:
		r = check_bool(c, v, e);
		break;
	case CONFIG_INT:
	case CONFIG_LONG:
		r = check_integer(c, v, e);
		break;
	case CONFIG_DOUBLE:
		r = check_double(c, v, e);
		break;
	case CONFIG_LIST:
		r = check_list(c, v, e);
		break;
	default:
		r = check_choice(c, v, e);
	}
	if (r < 0)
		err_wrap(e, "Invalid value %.*s for configuration %s",
			(int)(value.len < 200 ? value.len : 200),
			(const char *)value.data, c->name);
	return r;
}

/* ---- values in force -------------------------------------------------------- */

const char *
topic_config_default(const struct config *server, const struct topic_config *c,
	char tmp[TOPIC_CONFIG_TEXT])
{
	const struct config_key *k = config_key_of_topic(c->name);
	const char *text = k ? config_get(server, k->name) : NULL;

	if (!text && k && c->folded) {
		snprintf(tmp, TOPIC_CONFIG_TEXT, "%" PRId64,
			config_get_int64(server, k->name));
		text = tmp;
	}
	return text ? text : c->value;
}

const char *
topic_config_get(const struct map *overrides, const struct config *server,
	const struct topic_config *c, char tmp[TOPIC_CONFIG_TEXT])
{
	const struct topic_config_value *v = map_get(overrides, slice_str(c->name));

	return v ? v->value : topic_config_default(server, c, tmp);
}

/* Was the server property given, or one of the units that it is folded from? */
static bool
is_set(const struct config *server, const struct topic_config *c)
{
	static const char *const units[] = { "ms", "minutes", "hours" };
	const struct config_key *k = config_key_of_topic(c->name);
	char name[64];

	if (!k)
		return false;
	if (!c->folded)
		return config_is_set(server, k->name);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		snprintf(name, sizeof(name), "%.*s%s",
			(int)(strlen(k->name) - strlen("ms")), k->name, units[i]);
		if (config_key(name) && config_is_set(server, name))
			return true;
	}
	return false;
}

enum config_source
topic_config_source(const struct map *overrides, const struct config *server,
	const struct topic_config *c)
{
	const struct config_key *k = config_key_of_topic(c->name);

	if (map_get(overrides, slice_str(c->name)))
		return SOURCE_TOPIC;
	if (k && config_overridden(server, CONFIG_NODE, k->name))
		return SOURCE_NODE;
	if (k && config_overridden(server, CONFIG_CLUSTER, k->name))
		return SOURCE_CLUSTER;
	return is_set(server, c) ? SOURCE_STATIC : SOURCE_DEFAULT;
}

/* Every value was checked when it was given. */
static int64_t
number(const struct map *overrides, const struct config *server, const char *name)
{
	char tmp[TOPIC_CONFIG_TEXT];
	int64_t i = 0;

	parse_integer(trim(slice_str(topic_config_get(overrides, server,
		topic_config(slice_str(name)), tmp))), &i);
	return i;
}

int
topic_config_check_all(const struct map *overrides, const struct config *server,
	struct err *e)
{
	int64_t min = number(overrides, server, "min.compaction.lag.ms");
	int64_t max = number(overrides, server, "max.compaction.lag.ms");

	if (min > max)
		return err_set(e, ERR_USAGE, "conflict topic config setting "
			"min.compaction.lag.ms (%" PRId64 ") > "
			"max.compaction.lag.ms (%" PRId64 ")", min, max);
	return 0;
}

/* Is the word the value, or an item of the list that is the value? */
static bool
has(const struct map *overrides, const struct config *server, const char *name,
	const char *word)
{
	char tmp[TOPIC_CONFIG_TEXT];
	struct slice item, list = slice_str(topic_config_get(overrides, server,
		topic_config(slice_str(name)), tmp));

	while (topic_config_item(&list, &item))
		if (slice_eq_str(item, word))
			return true;
	return false;
}

static int
codec(const struct map *overrides, const struct config *server)
{
	static const char *const names[] = {
		[CODEC_NONE] = "uncompressed", [CODEC_GZIP] = "gzip",
		[CODEC_SNAPPY] = "snappy", [CODEC_LZ4] = "lz4",
		[CODEC_ZSTD] = "zstd",
	};

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (has(overrides, server, "compression.type", names[i]))
			return i;
	return -1;
}

static double
ratio(const struct map *overrides, const struct config *server, const char *name)
{
	char tmp[TOPIC_CONFIG_TEXT];
	double d = 0;

	parse_double(trim(slice_str(topic_config_get(overrides, server,
		topic_config(slice_str(name)), tmp))), &d);
	return d;
}

/* Of the codec that is in force; the others' levels wait for theirs. */
static int
codec_level(const struct map *overrides, const struct config *server, int codec)
{
	switch (codec) {
	case CODEC_GZIP:
		return (int)number(overrides, server, "compression.gzip.level");
	case CODEC_LZ4:
		return (int)number(overrides, server, "compression.lz4.level");
	case CODEC_ZSTD:
		return (int)number(overrides, server, "compression.zstd.level");
	}
	return 0;
}

/* What matters to compaction and to the removal of files. */
static void
cleaning(const struct map *o, const struct config *s, struct log_config *out)
{
	out->compact = has(o, s, "cleanup.policy", "compact");
	out->delete_old = has(o, s, "cleanup.policy", "delete");
	out->delete_retention_ms = number(o, s, "delete.retention.ms");
	out->file_delete_delay_ms = number(o, s, "file.delete.delay.ms");
	out->min_dirty_ratio = ratio(o, s, "min.cleanable.dirty.ratio");
	out->min_compaction_lag_ms = number(o, s, "min.compaction.lag.ms");
	out->max_compaction_lag_ms = number(o, s, "max.compaction.lag.ms");
}

void
topic_config_log(const struct map *o, const struct config *s,
	struct log_config *out)
{
	int64_t small = number(o, s, "internal.segment.bytes");

	*out = (struct log_config){
		.segment_bytes = number(o, s, "segment.bytes"),
		.segment_ms = number(o, s, "segment.ms"),
		.retention_ms = number(o, s, "retention.ms"),
		.retention_bytes = number(o, s, "retention.bytes"),
		.index_interval_bytes = number(o, s, "index.interval.bytes"),
		.max_message_bytes = (int32_t)number(o, s, "max.message.bytes"),
		.append_time = has(o, s, "message.timestamp.type", "LogAppendTime"),
		.timestamp_before_max_ms =
			number(o, s, "message.timestamp.before.max.ms"),
		.timestamp_after_max_ms =
			number(o, s, "message.timestamp.after.max.ms"),
		.compression = codec(o, s),
		.segment_jitter_ms = number(o, s, "segment.jitter.ms"),
		.segment_index_bytes = number(o, s, "segment.index.bytes"),
		.flush_messages = number(o, s, "flush.messages"),
		.flush_ms = number(o, s, "flush.ms"),
		.preallocate = has(o, s, "preallocate", "true"),
	};
	out->compression_level = codec_level(o, s, out->compression);
	cleaning(o, s, out);
	if (small)
		out->segment_bytes = small;
	/* Kafka takes every negative size for "no limit". */
	if (out->retention_bytes < 0)
		out->retention_bytes = -1;
}

/* ---- overrides -------------------------------------------------------------- */

void
topic_config_put(struct map *overrides, const struct topic_config *c,
	struct slice value)
{
	struct topic_config_value *v = xcalloc(1, sizeof(*v) + value.len + 1);

	v->config = c;
	v->len = value.len;
	if (value.len)
		memcpy(v->value, value.data, value.len);
	free(map_put(overrides, slice_str(c->name), v));
}

void
topic_config_del(struct map *overrides, const struct topic_config *c)
{
	free(map_del(overrides, slice_str(c->name)));
}

void
topic_config_copy(struct map *to, const struct map *from)
{
	const struct topic_config_value *v;

	for (size_t i = 0; (v = map_next(from, &i)); )
		topic_config_put(to, v->config, slice_make(v->value, v->len));
}

void
topic_config_release(struct map *overrides)
{
	struct topic_config_value *v;

	for (size_t i = 0; (v = map_next(overrides, &i)); )
		free(v);
	map_release(overrides);
}
