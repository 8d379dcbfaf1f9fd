/*
 * What the settings of Kafka's Java clients are called in librdkafka: rows
 * for those that only have another name, functions for those that differ.
 */
#include <fcntl.h>
#include <unistd.h>

#include "cli/conf_part.h"
#include "cli/diag.h"

/* ---- key and trust stores --------------------------------------------------- */

enum store { STORE_PEM, STORE_PKCS12, STORE_JKS, STORE_UNKNOWN };

/* By the stated type, or else by how the file begins; Java's default is JKS. */
static int
store_type(const char *type, const char *path, enum store *out, struct err *e)
{
	static const char *const names[] = { "PEM", "PKCS12", "JKS" };
	unsigned char head[16] = { 0 };
	ssize_t n;
	int fd;

	for (*out = STORE_PEM; type && *type && *out < STORE_UNKNOWN; ++*out)
		if (!strcasecmp(type, names[*out]))
			return 0;
	*out = STORE_UNKNOWN;
	if (type && *type)
		return err_set(e, ERR_USAGE, "store type '%s' is not supported "
			"(PEM, PKCS12)", type);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	if (n < 0)
		err_errno(e, ERR_USAGE, "cannot read '%s'", path);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	if (!memcmp(head, "\xfe\xed\xfe\xed", 4))
		*out = STORE_JKS;
	else if (head[0] == 0x30) /* a DER sequence */
		*out = STORE_PKCS12;
	else
		*out = STORE_PEM;
	return 0;
}

/* "x/trust.jks" without its ending, for the name of the converted file. */
static int
stem(const char *path)
{
	const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');

	return (int)(dot && dot > (slash ? slash + 1 : path) ? (size_t)(dot - path)
		: strlen(path));
}

static int
set_truststore(const struct conf_java *j, const char *path, struct err *e)
{
	enum store type;

	if (store_type(j->other(j, "ssl.truststore.type"), path, &type, e) < 0)
		return -1;
	if (type != STORE_PEM)
		return err_set(e, ERR_USAGE, "librdkafka cannot read the truststore "
			"'%s' (run: keytool -list -rfc -keystore '%s' > '%.*s.pem' "
			"and set ssl.truststore.type=PEM, "
			"ssl.truststore.location=%.*s.pem)", path, path,
			stem(path), path, stem(path), path);
	conf_set(j->conf, "ssl.ca.location", path, "%s", j->origin);
	return 0;
}

static int
set_keystore(const struct conf_java *j, const char *path, struct err *e)
{
	enum store type;

	if (store_type(j->other(j, "ssl.keystore.type"), path, &type, e) < 0)
		return -1;
	if (type == STORE_JKS)
		return err_set(e, ERR_USAGE, "librdkafka cannot read the keystore "
			"'%s' (run: keytool -importkeystore -srckeystore '%s' "
			"-destkeystore '%.*s.p12' -deststoretype PKCS12 "
			"and set ssl.keystore.type=PKCS12, "
			"ssl.keystore.location=%.*s.p12)", path, path,
			stem(path), path, stem(path), path);
	if (type == STORE_PKCS12) {
		conf_set(j->conf, "ssl.keystore.location", path, "%s", j->origin);
	} else { /* one file with the key and its certificates */
		conf_set(j->conf, "ssl.certificate.location", path, "%s", j->origin);
		conf_set(j->conf, "ssl.key.location", path, "%s", j->origin);
	}
	return 0;
}

/* ---- PEM within a property -------------------------------------------------- */

static struct slice
until(const char **p, const char *mark)
{
	const char *start = *p, *at = strstr(start, mark);

	*p = at ? at + strlen(mark) : start + strlen(start);
	return slice_make(start, at ? (size_t)(at - start) : strlen(start));
}

/* base64 in lines of 64, as OpenSSL wants it; blanks in the text go. */
static void
add_folded(struct buf *out, struct slice body)
{
	const char *p = body.data;
	int column = 0;

	for (size_t i = 0; i < body.len; i++) {
		if (strchr(" \t\r\n", p[i]))
			continue;
		buf_addc(out, p[i]);
		if (++column % 64 == 0)
			buf_addc(out, '\n');
	}
	if (column % 64)
		buf_addc(out, '\n');
}

/* Java allows a PEM text on one line, as continued lines of a file make it. */
static int
set_pem(const struct conf_java *j, const char *name, const char *text, struct err *e)
{
	struct buf out = BUF_INIT;

	for (const char *p = text; ; ) {
		struct slice label, body;

		until(&p, "-----BEGIN ");
		if (!*p)
			break;
		label = until(&p, "-----");
		body = until(&p, "-----END ");
		until(&p, "-----");
		buf_addf(&out, "-----BEGIN %.*s-----\n", SLICE_ARG(label));
		add_folded(&out, body);
		buf_addf(&out, "-----END %.*s-----\n", SLICE_ARG(label));
	}
	if (!out.len)
		return err_set(e, ERR_USAGE, "no '-----BEGIN ...-----' in the PEM text");
	conf_set(j->conf, name, buf_cstr(&out), "%s", j->origin);
	buf_release(&out);
	return 0;
}

static int
set_ca_pem(const struct conf_java *j, const char *text, struct err *e)
{
	return set_pem(j, "ssl.ca.pem", text, e);
}

static int
set_certificate_pem(const struct conf_java *j, const char *text, struct err *e)
{
	return set_pem(j, "ssl.certificate.pem", text, e);
}

static int
set_key_pem(const struct conf_java *j, const char *text, struct err *e)
{
	return set_pem(j, "ssl.key.pem", text, e);
}

/* ---- values that differ ----------------------------------------------------- */

static int
set_endpoint_check(const struct conf_java *j, const char *value, struct err *e)
{
	(void)e;
	conf_set(j->conf, "ssl.endpoint.identification.algorithm",
		*value ? value : "none", "%s", j->origin);
	return 0;
}

static int
set_offset_reset(const struct conf_java *j, const char *value, struct err *e)
{
	(void)e;
	conf_set(j->conf, "auto.offset.reset",
		!strcmp(value, "none") ? "error" : value, "%s", j->origin);
	return 0;
}

static void
ignored(const struct conf_java *j, const char *name)
{
	diag_verbose(1, "%s: '%s' means nothing to librdkafka; ignored", j->origin, name);
}

/* Classes of the Java client have librdkafka's names; a class of others has none. */
static int
set_assignors(const struct conf_java *j, const char *value, struct err *e)
{
	static const char *const names[][2] = {
		{ "RangeAssignor", "range" },
		{ "RoundRobinAssignor", "roundrobin" },
		{ "CooperativeStickyAssignor", "cooperative-sticky" },
	};
	struct buf out = BUF_INIT;

	(void)e;
	if (!strchr(value, '.')) /* librdkafka's own names */
		buf_addstr(&out, value);
	for (size_t i = 0; strchr(value, '.') && i < 3; i++)
		if (strstr(value, names[i][0]))
			buf_addf(&out, "%s%s", out.len ? "," : "", names[i][1]);
	/* librdkafka does not mix the two protocols; Java's default offers both. */
	if (strstr(value, "RangeAssignor") && strstr(value, "Cooperative")) {
		buf_clear(&out);
		buf_addstr(&out, "range");
	}
	if (out.len)
		conf_set(j->conf, "partition.assignment.strategy", buf_cstr(&out),
			"%s", j->origin);
	else
		ignored(j, "partition.assignment.strategy");
	buf_release(&out);
	return 0;
}

/* ---- the table -------------------------------------------------------------- */

static const struct {
	const char *java;
	const char *name; /* the same value under another name */
	int (*set)(const struct conf_java *j, const char *value, struct err *e);
} rows[] = {
	{ "auto.offset.reset", NULL, set_offset_reset },
	{ "fetch.max.wait.ms", "fetch.wait.max.ms", NULL },
	{ "max.request.size", "message.max.bytes", NULL },
	{ "partition.assignment.strategy", NULL, set_assignors },
	{ "receive.buffer.bytes", "socket.receive.buffer.bytes", NULL },
	{ "sasl.jaas.config", NULL, conf_jaas_set },
	{ "send.buffer.bytes", "socket.send.buffer.bytes", NULL },
	{ "ssl.endpoint.identification.algorithm", NULL, set_endpoint_check },
	{ "ssl.keystore.certificate.chain", NULL, set_certificate_pem },
	{ "ssl.keystore.key", NULL, set_key_pem },
	{ "ssl.keystore.location", NULL, set_keystore },
	{ "ssl.truststore.certificates", NULL, set_ca_pem },
	{ "ssl.truststore.location", NULL, set_truststore },
};

/* Settings of the Java client's own machinery; a '*' at the end is any ending. */
static const char *const without_meaning[] = {
	"auto.include.jmx.reporter",
	"buffer.memory",
	"client.dns.lookup",
	"default.api.timeout.ms",
	"enable.metrics.push",
	"exclude.internal.topics",
	"group.remote.assignor",
	"interceptor.classes",
	"key.deserializer",
	"key.serializer",
	"max.block.ms",
	"max.poll.records",
	"metadata.max.idle.ms",
	"metadata.recovery.*",
	"metric.reporters",
	"metrics.*",
	"partitioner.*",
	"sasl.client.callback.handler.class",
	"sasl.kerberos.ticket.*",
	"sasl.login.*",
	"security.providers",
	"socket.connection.setup.timeout.max.ms",
	"ssl.enabled.protocols",
	"ssl.engine.factory.class",
	"ssl.keymanager.algorithm",
	"ssl.keystore.type",
	"ssl.protocol",
	"ssl.provider",
	"ssl.secure.random.implementation",
	"ssl.trustmanager.algorithm",
	"ssl.truststore.password",
	"ssl.truststore.type",
	"value.deserializer",
	"value.serializer",
};

static bool
means_nothing(const char *name)
{
	for (size_t i = 0; i < sizeof(without_meaning) / sizeof(without_meaning[0]); i++) {
		const char *row = without_meaning[i];
		size_t n = strcspn(row, "*");

		if (!strncmp(row, name, n) && (row[n] || !name[n]))
			return true;
	}
	return false;
}

int
conf_java_set(const struct conf_java *j, const char *name, const char *value,
	struct err *e)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].java, name))
			continue;
		if (rows[i].set)
			return rows[i].set(j, value, e);
		conf_set(j->conf, rows[i].name, value, "%s", j->origin);
		return 0;
	}
	if (!means_nothing(name))
		return 1;
	ignored(j, name);
	return 0;
}
