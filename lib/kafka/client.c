#include "kafka/client.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/cause.h"
#include "kafka/handle.h"

struct client {
	rd_kafka_t *rk;
	enum client_kind kind;
	void *user;
	struct client *twins[CLIENT_TWINS]; /* NULL = not asked for yet */

	/* Written by librdkafka's threads, by way of the log. */
	pthread_mutex_t lock;
	struct cause cause; /* why a broker could not be reached */
	bool was_up;        /* a broker answered: the newest cause counts */
	int losses;         /* connections that failed */
};

enum {
	PRODUCERS = 1 << CLIENT_PRODUCER,
	CONSUMERS = 1 << CLIENT_CONSUMER,
	OFFSETS = 1 << CLIENT_OFFSETS,
	ADMINS = 1 << CLIENT_ADMIN | OFFSETS,
	EVERYONE = PRODUCERS | CONSUMERS | ADMINS
};

static const struct {
	const char *name, *value;
	int kinds;
} defaults[] = {
	{ "bootstrap.servers", "localhost:9092", EVERYONE },
	/* A broker that is just starting is found within milliseconds. */
	{ "reconnect.backoff.ms", "20", EVERYONE },
	{ "reconnect.backoff.max.ms", "1000", EVERYONE },
	{ "enable.idempotence", "true", PRODUCERS },
	{ "acks", "all", PRODUCERS },
	{ "partitioner", "murmur2_random", PRODUCERS },
	/* The broker's limit counts; this is only librdkafka's own. */
	{ "message.max.bytes", "200000000", PRODUCERS },
	{ "queue.buffering.max.kbytes", "262144", PRODUCERS },
	{ "enable.auto.offset.store", "false", CONSUMERS | OFFSETS },
	{ "enable.auto.commit", "false", OFFSETS },
	{ "enable.partition.eof", "true", CONSUMERS | OFFSETS },
	/* Looking must not create; this one needs no telling by librdkafka. */
	{ "allow.auto.create.topics", "false", ADMINS },
};

/* Idempotence needs acks=all; who asks for less does not get an error for it. */
static bool
wants_idempotence(const struct conf *c)
{
	const char *acks = conf_get(c, "acks");

	return !acks || !strcmp(acks, "all") || !strcmp(acks, "-1");
}

static void
set_defaults(struct conf *c, enum client_kind kind)
{
	bool idempotence = wants_idempotence(c);

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if ((defaults[i].kinds & 1 << kind) && (idempotence ||
		    strcmp(defaults[i].name, "enable.idempotence")))
			conf_default(c, defaults[i].name, defaults[i].value);
}

static int
list_properties(struct err *e)
{
	rd_kafka_conf_properties_show(stdout);
	if (fflush(stdout) || ferror(stdout))
		return err_errno(e, ERR_IO, "cannot write to stdout");
	return 0;
}

int
client_load(struct conf *c, const struct conf_args *a, enum client_kind kind,
	struct err *e)
{
	if (conf_wants_profiles(a)) {
		*c = (struct conf){ 0 };
		return conf_list_profiles(a, e) ? -1 : 1;
	}
	if (conf_load(c, a, e))
		return -1;
	set_defaults(c, kind);
	if (conf_wants_list(a))
		return list_properties(e) ? -1 : 1;
	if (conf_wants_dump(a))
		return conf_dump(c, e) ? -1 : 1;
	return 0;
}

int
client_load_other(struct conf *c, const struct conf_args *a, const char *cluster,
	enum client_kind kind, struct err *e)
{
	struct conf_args other = *a;
	int result;

	other.other = true;
	other.brokers = strchr(cluster, ':') ? cluster : NULL;
	if (!other.brokers)
		other.profile = cluster;
	result = client_load(c, &other, kind, e);
	return result < 0 ? err_wrap(e, "--to-cluster") : result;
}

/*
 * librdkafka tells of connections only in its log, from its own threads. The
 * first cause is kept until a broker answers, afterwards the newest; a clear
 * refusal always wins.
 */
static void
on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
	struct client *c = rd_kafka_opaque(rk);
	const char *body = strstr(text, "]: ");
	struct cause cause = { 0 };

	body = body && text[0] == '[' ? body + 3 : text;
	if (!strcmp(fac, "FAIL") && c) {
		cause_parse(&cause, body);
		pthread_mutex_lock(&c->lock);
		c->losses++;
		if (c->cause.kind == CAUSE_NONE || cause_is_final(&cause) ||
		    (c->was_up && !cause_is_final(&c->cause)))
			c->cause = cause;
		pthread_mutex_unlock(&c->lock);
	}
	if (strcmp(fac, "CONFWARN"))
		diag_verbose(level < LOG_DEBUG ? 1 : 2, "librdkafka: %s: %s", fac, body);
}

/* The table of properties in a text that the caller frees. */
static char *
properties_text(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f) {
		rd_kafka_conf_properties_show(f);
		fclose(f);
	}
	return text;
}

/* The next of "a  |  b | c", cut out of it; NULL = there is none. */
static const char *
next_field(char **row)
{
	char *text = strsep(row, "|"), *end;

	if (!text)
		return NULL;
	text += strspn(text, " ");
	for (end = text + strlen(text); end > text && end[-1] == ' '; )
		*--end = '\0';
	return text;
}

/* The next row of "name | C/P | range | ...", cut out of the table. */
static bool
next_property(char **table, const char **name, const char **range)
{
	char *row;

	while ((row = strsep(table, "\n"))) {
		if (!islower((unsigned char)*row))
			continue;
		*name = next_field(&row);
		next_field(&row);
		*range = next_field(&row);
		if (*range)
			return true;
	}
	return false;
}

static int
unknown_property(const char *name, const char *origin, struct err *e)
{
	char *text = properties_text(), *at = text;
	struct near near = near_init(slice_str(name));
	const char *known, *range;

	while (next_property(&at, &known, &range))
		near_offer(&near, known);
	if (near.name)
		err_set(e, ERR_USAGE, "unknown property '%s' from %s "
			"(did you mean %s? -X list shows all)", name, origin,
			near.name);
	else
		err_set(e, ERR_USAGE, "unknown property '%s' from %s "
			"(-X list shows all)", name, origin);
	free(text);
	return -1;
}

/* why is librdkafka's, which names the property once more, and no remedy. */
static int
bad_value(const char *name, const char *value, const char *origin,
	const char *why, struct err *e)
{
	char *text = properties_text(), *at = text;
	const char *known, *range = "";

	while (next_property(&at, &known, &range) && strcmp(known, name))
		range = "";
	if (*range)
		err_set(e, ERR_USAGE, "bad value '%s' of property '%s' from %s "
			"(it is %s%s)", value, name, origin,
			strchr(range, ',') ? "one of " : "", range);
	else
		err_set(e, ERR_USAGE, "bad value '%s' of property '%s' from %s: "
			"%s", value, name, origin, why);
	free(text);
	return -1;
}

static int
set_property(rd_kafka_conf_t *rk_conf, const char *name, const char *value,
	const char *origin, bool secret, struct err *e)
{
	char why[512];

	switch (rd_kafka_conf_set(rk_conf, name, value, why, sizeof(why))) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		return unknown_property(name, origin, e);
	default:
		if (secret)
			return err_set(e, ERR_USAGE,
				"bad value of property '%s' from %s", name, origin);
		return bad_value(name, value, origin, why, e);
	}
}

static int
set_default(rd_kafka_conf_t *rk_conf, const char *name, const char *value,
	struct err *e)
{
	return set_property(rk_conf, name, value, "kc", false, e);
}

/* Defaults first: what the user gave may be an alias of one of them. */
static int
configure(rd_kafka_conf_t *rk_conf, const struct conf *c, enum client_kind kind,
	const char *group, struct err *e)
{
	bool idempotence = wants_idempotence(c);

	if (set_default(rk_conf, "client.id", diag_program(), e))
		return -1;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if ((defaults[i].kinds & 1 << kind) && (idempotence ||
		    strcmp(defaults[i].name, "enable.idempotence")) &&
		    set_default(rk_conf, defaults[i].name, defaults[i].value, e))
			return -1;
	if (diag_level() >= 2 && set_default(rk_conf, "debug",
	    "generic,broker,topic,metadata,cgrp,security,feature,admin,eos", e))
		return -1;
	for (int i = 0; i < c->props_n; i++) {
		const struct conf_prop *p = &c->props[i];

		if (strcmp(p->origin, "default") && set_property(rk_conf,
		    p->name, p->value, p->origin, p->secret, e))
			return -1;
	}
	return group ? set_default(rk_conf, "group.id", group, e) : 0;
}

static struct client *
client_new(enum client_kind kind, void *user)
{
	struct client *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	c->kind = kind;
	c->user = user;
	return c;
}

static int
refused(const char *why, struct err *e)
{
	static const struct {
		const char *part, *remedy;
	} remedies[] = {
		{ "SASL mechanism", "it is one of PLAIN, SCRAM-SHA-256, "
			"SCRAM-SHA-512, OAUTHBEARER, GSSAPI" },
		{ "sasl.password must be set", "kc.conf(5) says where to put "
			"a password" },
		{ "ssl.keystore.password", "kc.conf(5) says where to put a "
			"password" },
		{ "sasl.kerberos", "is sasl.mechanisms meant to be GSSAPI? it is "
			"when not set" },
		{ "key values mismatch", "it is not the key of "
			"ssl.certificate.location" },
		{ "ssl.key.location", "is it PEM, and ssl.key.password right?" },
		{ "ssl.certificate.location", "is it PEM?" },
		{ "ssl.ca.location", "is it PEM?" },
	};
	const char *error = strstr(why, "error:"), *reason;
	int n = error ? (int)(error - why) : 0;

	/* OpenSSL's "error:0A080009:SSL routines::" says nothing to people. */
	reason = error ? strstr(error, "::") : NULL;
	reason = reason ? reason + 2 : why + n;
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (strstr(why, remedies[i].part))
			return err_set(e, ERR_USAGE,
				"configuration refused: %.*s%s (%s)", n, why,
				reason, remedies[i].remedy);
	return err_set(e, ERR_USAGE, "configuration refused: %.*s%s", n, why,
		reason);
}

/* Takes rk_conf. */
static int
start(struct client *c, rd_kafka_type_t type, rd_kafka_conf_t *rk_conf,
	void (*setup)(rd_kafka_conf_t *rk_conf, void *user), struct err *e)
{
	char why[512];

	rd_kafka_conf_set_opaque(rk_conf, c);
	rd_kafka_conf_set_log_cb(rk_conf, on_log);
	if (setup)
		setup(rk_conf, c->user);
	c->rk = rd_kafka_new(type, rk_conf, why, sizeof(why));
	if (c->rk)
		return 0;
	/* rd_kafka_new() takes it on success only */
	rd_kafka_conf_destroy(rk_conf);
	return refused(why, e);
}

int
client_open_with(struct client **out, const struct conf *conf,
	enum client_kind kind, const char *group,
	void (*setup)(rd_kafka_conf_t *rk_conf, void *user), void *user,
	struct err *e)
{
	rd_kafka_conf_t *rk_conf = rd_kafka_conf_new();
	struct client *c = client_new(kind, user);

	if (kind == CLIENT_OFFSETS)
		group = diag_program();
	if (configure(rk_conf, conf, kind, group, e)) {
		rd_kafka_conf_destroy(rk_conf);
		client_close(c);
		return -1;
	}
	if (start(c, (1 << kind) & (CONSUMERS | OFFSETS) ? RD_KAFKA_CONSUMER :
	    RD_KAFKA_PRODUCER, rk_conf, setup, e)) {
		client_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

struct client *
client_twin(struct client *c, int i,
	void (*setup)(rd_kafka_conf_t *rk_conf, void *user), void *user)
{
	struct err ignored = ERR_INIT;
	struct client *twin = c->twins[i];

	if (twin)
		return twin;
	twin = client_new(c->kind, user);
	if (start(twin, rd_kafka_type(c->rk),
	    rd_kafka_conf_dup(rd_kafka_conf(c->rk)), setup, &ignored)) {
		client_close(twin);
		return NULL;
	}
	return c->twins[i] = twin;
}

int
client_open(struct client **out, const struct conf *conf, enum client_kind kind,
	const char *group, struct err *e)
{
	return client_open_with(out, conf, kind, group, NULL, NULL, e);
}

void
client_close(struct client *c)
{
	if (!c)
		return;
	for (int i = 0; i < CLIENT_TWINS; i++)
		client_close(c->twins[i]);
	if (c->rk)
		rd_kafka_destroy(c->rk);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

rd_kafka_t *
client_handle(const struct client *c)
{
	return c->rk;
}

enum client_kind
client_kind(const struct client *c)
{
	return c->kind;
}

void *
client_user(const struct client *c)
{
	return c->user;
}

const char *
client_library_version(void)
{
	return rd_kafka_version_str();
}

void
client_cause(struct client *c, struct cause *cause)
{
	pthread_mutex_lock(&c->lock);
	*cause = c->cause;
	pthread_mutex_unlock(&c->lock);
}

int
client_losses(struct client *c)
{
	int n;

	pthread_mutex_lock(&c->lock);
	n = c->losses;
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* From here on only what happens later is of interest. */
static void
mark_up(struct client *c)
{
	pthread_mutex_lock(&c->lock);
	c->cause.kind = CAUSE_NONE;
	c->was_up = true;
	pthread_mutex_unlock(&c->lock);
}

/*
 * The cluster id arrives with the first metadata that librdkafka asks for by
 * itself. Waiting for that, in short steps, has no request of our own that a
 * short step could time out. Asking for metadata in between makes librdkafka
 * try to connect again at once instead of once a second; and connect at all,
 * where version 2.0.2 has missed its own wish to, as it does with a group.
 */
enum { FIRST_MS = 3 };

static bool
is_up(struct client *c, int64_t left, bool first)
{
	const struct rd_kafka_metadata *md;
	int step = left < 50 ? (int)left : 50;
	char *id = rd_kafka_clusterid(c->rk, first && left > FIRST_MS ?
		FIRST_MS : step);

	if (id) {
		rd_kafka_mem_free(c->rk, id);
		return true;
	}
	if (rd_kafka_metadata(c->rk, 0, NULL, &md, step))
		return false;
	rd_kafka_metadata_destroy(md);
	return true;
}

char *
client_cluster_id(struct client *c, int timeout_ms)
{
	char *id = rd_kafka_clusterid(c->rk, timeout_ms), *copy;

	if (!id)
		return NULL;
	copy = xstrdup(id);
	rd_kafka_mem_free(c->rk, id);
	return copy;
}

int
client_wait(struct client *c, int timeout_ms, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t start = clock_mono_ms(clock), now = start;
	bool told = false;
	struct cause cause;
	struct err why;

	for (;;) {
		int64_t left = timeout_ms < 0 ? 1000 : start + timeout_ms - now;

		if (is_up(c, left < 0 ? 0 : left, now == start)) {
			mark_up(c);
			return 0;
		}
		client_cause(c, &cause);
		now = clock_mono_ms(clock);
		if (sig_caught())
			return -1;
		if (cause_is_final(&cause) ||
		    (timeout_ms >= 0 && now - start >= timeout_ms))
			return cause_error(&cause, e);
		if (!told && now - start > 1000 && cause.kind != CAUSE_NONE) {
			cause_error(&cause, &why);
			diag_note("%s; still trying", why.msg);
			told = true;
		}
	}
}
