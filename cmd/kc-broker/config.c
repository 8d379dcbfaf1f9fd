#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/near.h"
#include "base/num.h"
#include "base/properties.h"
#include "base/xalloc.h"
#include "config_keys.h"

enum { FILE_MAX = 1 << 20 }; /* bytes of a property file */

struct config {
	char **values; /* by row, NULL = the default */
	char **overrides[CONFIG_LAYERS]; /* the same; the last layer wins */
};

/* ---- rows ----------------------------------------------------------------- */

const struct config_key *
config_key(const char *name)
{
	int n;
	const struct config_key *k = config_keys(&n);

	for (int i = 0; i < n; i++)
		if (!strcmp(k[i].name, name))
			return &k[i];
	return NULL;
}

const struct config_key *
config_key_of_topic(const char *topic_config)
{
	int n;
	const struct config_key *k = config_keys(&n);

	for (int i = 0; i < n; i++)
		if (k[i].topic && !strcmp(k[i].topic, topic_config))
			return &k[i];
	return NULL;
}

static const struct config_other *
find_other(const char *name)
{
	int n;
	const struct config_other *o = config_others(&n);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(o[i].name);

		if (o[i].name[len - 1] == '*' ?
		    !strncmp(o[i].name, name, len - 1) :
		    !strcmp(o[i].name, name))
			return &o[i];
	}
	return NULL;
}

static int
unknown_name(const char *name, struct err *e)
{
	struct near near = near_init(slice_str(name));
	int n;
	const struct config_key *k = config_keys(&n);

	for (int i = 0; i < n; i++)
		near_offer(&near, k[i].name);
	if (near.name)
		return err_set(e, ERR_USAGE,
			"unknown property '%s' (did you mean '%s'?)", name,
			near.name);
	return err_set(e, ERR_USAGE,
		"unknown property '%s' (see PROPERTIES in kc-broker(8))", name);
}

/* ---- values --------------------------------------------------------------- */

static bool
is_choice(const char *choices, struct slice v)
{
	for (const char *p = choices;; p++) {
		size_t n = strcspn(p, "|");

		if (slice_eq(slice_make(p, n), v))
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

static int
check_choices(const struct config_key *k, struct slice value, struct err *e)
{
	const char *p = value.data, *end = p + value.len;

	if (!k->choices)
		return 0;
	for (;;) {
		const char *comma = k->type == CONFIG_LIST ?
			memchr(p, ',', (size_t)(end - p)) : NULL;
		const char *stop = comma ? comma : end;

		while (p < stop && *p == ' ')
			p++;
		if (!is_choice(k->choices, slice_make(p, (size_t)(stop - p))))
			return err_set(e, ERR_USAGE,
				"'%.*s' is not one of %s",
				(int)(stop - p), p, k->choices);
		if (!comma)
			return 0;
		p = comma + 1;
	}
}

static int
parse_double(struct slice text, double *out, struct err *e)
{
	char copy[64], *end;

	if (!text.len || text.len >= sizeof(copy) ||
	    memchr(text.data, '\0', text.len))
		return err_set(e, ERR_USAGE, "'%.*s' is not a number",
			SLICE_ARG(text));
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, &end);
	if (*end || end == copy)
		return err_set(e, ERR_USAGE, "'%s' is not a number", copy);
	return 0;
}

int
config_next_override(struct slice *list, struct ip_override *out)
{
	const char *p = list->data, *comma, *colon, *end;
	char host[INET6_ADDRSTRLEN + 1];
	struct err e = ERR_INIT;
	struct in_addr v4;
	int64_t max;

	while (list->len && (*p == ' ' || *p == ','))
		p++, list->len--;
	if (!list->len)
		return 0;
	comma = memchr(p, ',', list->len);
	end = comma ? comma : p + list->len;
	*list = slice_make(end, list->len - (size_t)(end - p));
	colon = memrchr(p, ':', (size_t)(end - p));
	if (!colon || (size_t)(colon - p) >= sizeof(host) ||
	    num_int(slice_make(colon + 1, (size_t)(end - colon - 1)), 0, INT32_MAX,
	    &max, &e))
		return -1;
	memcpy(host, p, (size_t)(colon - p));
	host[colon - p] = '\0';
	out->max = (int)max;
	out->address = (struct in6_addr){ 0 };
	if (inet_pton(AF_INET6, host, &out->address) == 1)
		return 1;
	out->address.s6_addr[10] = out->address.s6_addr[11] = 0xff;
	if (inet_pton(AF_INET, host, &v4) != 1)
		return -1;
	memcpy(&out->address.s6_addr[12], &v4, sizeof(v4));
	return 1;
}

static int
check_overrides(struct slice value, struct err *e)
{
	struct ip_override o;
	int got;

	while ((got = config_next_override(&value, &o)) == 1)
		;
	return got ? err_set(e, ERR_USAGE, "it is not a list of ADDRESS:COUNT") : 0;
}

int
config_check(const struct config_key *k, struct slice value, struct err *e)
{
	int64_t i;
	double d;

	switch (k->type) {
	case CONFIG_BOOL:
		if (!slice_eq_str(value, "true") && !slice_eq_str(value, "false"))
			return err_set(e, ERR_USAGE,
				"'%.*s' is neither true nor false",
				SLICE_ARG(value));
		return 0;
	case CONFIG_INT:
	case CONFIG_LONG:
		return num_int(value, k->min, k->max, &i, e);
	case CONFIG_DOUBLE:
		if (parse_double(value, &d, e))
			return -1;
		if (!(d >= (double)k->min && d <= (double)k->max))
			return err_set(e, ERR_USAGE,
				"'%.*s' is not between %" PRId64 " and %" PRId64,
				SLICE_ARG(value), k->min, k->max);
		return 0;
	case CONFIG_STRING:
	case CONFIG_LIST:
		if (!strcmp(k->name, "max.connections.per.ip.overrides"))
			return check_overrides(value, e);
		return check_choices(k, value, e);
	}
	return 0;
}

/* ---- the configuration ---------------------------------------------------- */

struct config *
config_new(void)
{
	struct config *c = xcalloc(1, sizeof(*c));
	int n;

	config_keys(&n);
	c->values = xcalloc((size_t)n, sizeof(*c->values));
	for (int i = 0; i < CONFIG_LAYERS; i++)
		c->overrides[i] = xcalloc((size_t)n, sizeof(*c->values));
	return c;
}

void
config_free(struct config *c)
{
	int n;

	if (!c)
		return;
	config_keys(&n);
	for (int i = 0; i < n; i++) {
		free(c->values[i]);
		for (int k = 0; k < CONFIG_LAYERS; k++)
			free(c->overrides[k][i]);
	}
	for (int k = 0; k < CONFIG_LAYERS; k++)
		free(c->overrides[k]);
	free(c->values);
	free(c);
}

static char **
slot_of(char **values, const char *name)
{
	const struct config_key *k = config_key(name);
	int n;

	if (!k)
		abort(); /* a name in our own source that has no row */
	return &values[k - config_keys(&n)];
}

static char **
slot(const struct config *c, const char *name)
{
	return slot_of(c->values, name);
}

bool
config_is_without_effect(const char *name)
{
	const struct config_other *other = find_other(name);

	return other && !other->refused;
}

int
config_set(struct config *c, const char *name, const char *value, bool *ignored,
	struct err *e)
{
	/* The name from ZooKeeper's days, which many a file still has. */
	const char *own = strcmp(name, "broker.id") ? name : "node.id";
	const struct config_key *k = config_key(own);
	const struct config_other *other;
	char **v;

	if (ignored)
		*ignored = false;
	if (!k) {
		other = find_other(name);
		if (!other)
			return unknown_name(name, e);
		if (other->refused)
			return err_set(e, ERR_USAGE,
				"property '%s' is not supported: %s", name,
				other->why);
		if (ignored)
			*ignored = true;
		return 0;
	}
	if (config_check(k, slice_str(value), e))
		return err_wrap(e, "property '%s'", name);
	v = slot(c, own);
	free(*v);
	*v = xstrdup(value);
	return 0;
}

static int
read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd < 0)
		return err_errno(e, ERR_USAGE, "cannot open config file '%s'",
			path);
	while (out->len <= FILE_MAX) {
		n = read(fd, buf_reserve(out, 4096), 4096);
		if (n <= 0)
			break;
		out->len += (size_t)n;
	}
	if (n < 0)
		err_errno(e, ERR_USAGE, "cannot read config file '%s'", path);
	else if (out->len > FILE_MAX)
		n = err_set(e, ERR_USAGE, "config file '%s' is larger than %d bytes",
			path, FILE_MAX);
	close(fd);
	return n < 0 ? -1 : 0;
}

int
config_load(struct config *c, const char *path, void (*warn)(const char *line),
	struct err *e)
{
	struct properties p = { 0 };
	struct buf text = BUF_INIT, line = BUF_INIT;
	const char *key, *value;
	bool ignored;
	int result = -1;

	if (read_file(path, &text, e))
		goto out;
	properties_init(&p, buf_slice(&text));
	while (properties_next(&p, &key, &value)) {
		if (config_set(c, key, value, &ignored, e)) {
			err_wrap(e, "%s:%d", path, p.line);
			goto out;
		}
		if (ignored) {
			buf_clear(&line);
			buf_addf(&line, "%s:%d: property '%s' is ignored: %s",
				path, p.line, key, find_other(key)->why);
			warn(buf_cstr(&line));
		}
	}
	result = 0;
out:
	properties_release(&p);
	buf_release(&text);
	buf_release(&line);
	return result;
}

/* ---- asking --------------------------------------------------------------- */

bool
config_is_set(const struct config *c, const char *name)
{
	return *slot(c, name) != NULL;
}

const char *
config_get(const struct config *c, const char *name)
{
	char **v = slot(c, name);

	for (int i = CONFIG_LAYERS - 1; i >= 0; i--)
		if (c->overrides[i][v - c->values])
			return c->overrides[i][v - c->values];
	return *v ? *v : config_key(name)->value;
}

const char *
config_static(const struct config *c, const char *name)
{
	return *slot(c, name);
}

/* ---- overrides ------------------------------------------------------------ */

/* Every topic's default, and what costs nothing to look at again. */
bool
config_is_dynamic(const struct config_key *k)
{
	static const char *const others[] = {
		"connections.max.idle.ms", "max.connection.creation.rate",
		"max.connections", "max.connections.per.ip",
		"max.connections.per.ip.overrides", "queued.max.request.bytes",
		"telemetry.max.bytes",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(others[i], k->name))
			return true;
	return k->topic != NULL;
}

void
config_override(struct config *c, enum config_layer layer, const char *name,
	const char *value)
{
	char **v = slot_of(c->overrides[layer], name);

	free(*v);
	*v = value ? xstrdup(value) : NULL;
}

const char *
config_overridden(const struct config *c, enum config_layer layer, const char *name)
{
	return *slot_of(c->overrides[layer], name);
}

/* What "X.ms" is in force when only "X.minutes" or "X.hours" is there. */
static int64_t
coarser_ms(const struct config *c, const char *minutes, const char *hours)
{
	int64_t v;

	if (minutes && config_is_set(c, minutes)) {
		v = config_get_int64(c, minutes);
		return v < 0 ? -1 : v * 60000;
	}
	v = config_get_int64(c, hours);
	return v < 0 ? -1 : v * 3600000;
}

int64_t
config_get_int64(const struct config *c, const char *name)
{
	const char *text = config_get(c, name);
	struct err e = ERR_INIT;
	int64_t v;

	if (!text && !strcmp(name, "log.retention.ms"))
		return coarser_ms(c, "log.retention.minutes",
			"log.retention.hours");
	if (!text && !strcmp(name, "log.roll.ms"))
		return coarser_ms(c, NULL, "log.roll.hours");
	if (!text)
		return -1; /* null */
	if (num_int(slice_str(text), INT64_MIN, INT64_MAX, &v, &e))
		abort(); /* values are checked when they are set */
	return v;
}

double
config_get_double(const struct config *c, const char *name)
{
	struct err e = ERR_INIT;
	double v = 0;

	if (parse_double(slice_str(config_get(c, name)), &v, &e))
		abort(); /* values are checked when they are set */
	return v;
}

bool
config_get_bool(const struct config *c, const char *name)
{
	return slice_eq_str(slice_str(config_get(c, name)), "true");
}
