#include "cli/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/conf_part.h"

enum { FILE_MAX = 16 << 20, TIMEOUT_MS = 30000 };

static const char *const colors[] = { "auto", "always", "never", NULL };

#define AT(member) offsetof(struct conf_args, member)
const struct opt conf_options[] = {
	{ 'b', "brokers", OPT_STRING, AT(brokers), "HOST:PORT",
		.help = "brokers, comma separated (default: localhost:9092)" },
	{ 0, "bootstrap-server", OPT_STRING, AT(brokers), "HOST:PORT",
		.hidden = true },
	{ 'X', "property", OPT_LIST, AT(props), "NAME=VALUE",
		.help = "set a librdkafka property; 'list' shows "
			"them, 'dump' what is set" },
	{ 'F', "properties-file", OPT_STRING, AT(props_file), "FILE",
		.help = "read properties: librdkafka's, kcat's or Java's form" },
	{ 0, "config", OPT_STRING, AT(config), "FILE",
		.help = "configuration file (default: ~/.config/kc/config.yaml)" },
	{ 0, "profile", OPT_STRING, AT(profile), "PROFILE",
		.help = "profile of the configuration file (-X profiles: which)" },
	{ 0, "timeout", OPT_DURATION, AT(timeout_ms), "TIME",
		.help = "give up waiting for an answer after this long" },
	{ 0, "color", OPT_CHOICE, AT(color), "WHEN",
		.help = "colours: auto, always, never", .choices = colors },
	{ 'q', "quiet", OPT_FLAG, AT(quiet), .help = "errors only" },
	{ 'v', "verbose", OPT_COUNT, AT(verbose),
		.help = "say more; twice: librdkafka's log too" },
	OPT_END
};

/* ---- properties ------------------------------------------------------------- */

/* librdkafka's aliases, so that each property is there once. */
static const char *
canonical(const char *name)
{
	static const char *const aliases[][2] = {
		{ "compression.codec", "compression.type" },
		{ "delivery.timeout.ms", "message.timeout.ms" },
		{ "max.in.flight", "max.in.flight.requests.per.connection" },
		{ "max.partition.fetch.bytes", "fetch.message.max.bytes" },
		{ "message.send.max.retries", "retries" },
		{ "metadata.broker.list", "bootstrap.servers" },
		{ "queue.buffering.max.ms", "linger.ms" },
		{ "request.required.acks", "acks" },
		{ "sasl.mechanism", "sasl.mechanisms" },
	};

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(name, aliases[i][0]))
			return aliases[i][1];
	return name;
}

bool
conf_is_secret(const char *name)
{
	return strstr(name, "password") || strstr(name, "secret") ||
		!strcmp(name, "ssl.key.pem") || !strcmp(name, "ssl.keystore.key") ||
		!strcmp(name, "sasl.jaas.config") ||
		!strcmp(name, "sasl.oauthbearer.config");
}

static struct conf_prop *
find(const struct conf *c, const char *name)
{
	name = canonical(name);
	for (int i = 0; i < c->props_n; i++)
		if (!strcmp(c->props[i].name, name))
			return &c->props[i];
	return NULL;
}

void
conf_set(struct conf *c, const char *name, const char *value, const char *origin, ...)
{
	struct conf_prop *p = find(c, name);
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, origin);
	buf_addvf(&text, origin, ap);
	va_end(ap);
	if (!p) {
		c->props = xreallocarray(c->props, (size_t)c->props_n + 1,
			sizeof(*c->props));
		p = &c->props[c->props_n++];
		*p = (struct conf_prop){ .name = xstrdup(canonical(name)) };
	}
	free(p->value);
	free(p->origin);
	p->value = xstrdup(value);
	p->origin = xmemdup0(text.data, text.len);
	p->secret = conf_is_secret(name);
	buf_release(&text);
}

void
conf_add_redact(struct conf *c, const char *topics, const char *paths, int line,
	const char *origin)
{
	c->redacts = xreallocarray(c->redacts, (size_t)c->redacts_n + 1,
		sizeof(*c->redacts));
	c->redacts[c->redacts_n++] = (struct conf_redact){ xstrdup(topics),
		xstrdup(paths), line, xstrdup(origin) };
}

const char *
conf_get(const struct conf *c, const char *name)
{
	const struct conf_prop *p = find(c, name);

	return p ? p->value : NULL;
}

void
conf_default(struct conf *c, const char *name, const char *value)
{
	if (!find(c, name))
		conf_set(c, name, value, "default");
}

void
conf_release(struct conf *c)
{
	for (int i = 0; i < c->props_n; i++) {
		free(c->props[i].name);
		free(c->props[i].value);
		free(c->props[i].origin);
	}
	for (int i = 0; i < c->redacts_n; i++) {
		free(c->redacts[i].topics);
		free(c->redacts[i].paths);
		free(c->redacts[i].origin);
	}
	free(c->props);
	free(c->redacts);
	free(c->path);
	*c = (struct conf){ 0 };
}

/* ---- files ------------------------------------------------------------------ */

int
conf_read(const char *path, struct buf *text, bool *exposed, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_USAGE,
			"cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		goto fail;
	*exposed = S_ISREG(st.st_mode) && st.st_mode & (S_IRGRP | S_IROTH);
	while (n > 0 && text->len < FILE_MAX) {
		n = read(fd, buf_reserve(text, 4096), 4096);
		if (n < 0)
			goto fail;
		text->len += (size_t)n;
	}
	result = text->len < FILE_MAX ? 0 : err_set(e, ERR_USAGE,
		"'%s' is too large for a configuration file", path);
	goto out;
fail:
	err_errno(e, ERR_USAGE, "cannot read '%s'", path);
out:
	close(fd);
	return result;
}

int
conf_fail_exposed(const char *path, const char *name, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' holds a secret ('%s') and other users "
		"can read it (try: chmod 600 '%s')", path, name, path);
}

/* "" counts as unset. */
static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Where the configuration file is; returns owned, or NULL. */
static char *
config_path(const struct conf_args *a, bool *must_exist)
{
	const char *path = a->config ? a->config : environment("KC_CONFIG");
	const char *xdg = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
	struct buf b = BUF_INIT;

	*must_exist = path != NULL;
	if (path)
		return xstrdup(path);
	if (xdg)
		buf_addf(&b, "%s/kc/config.yaml", xdg);
	else if (home)
		buf_addf(&b, "%s/.config/kc/config.yaml", home);
	if (b.len)
		buf_cstr(&b);
	return (char *)b.data;
}

static int
load_file(struct conf *c, const struct conf_args *a, struct err *e)
{
	const char *profile = a->profile ? a->profile : environment("KC_PROFILE");
	struct err why = ERR_INIT;
	bool must_exist;

	c->path = config_path(a, &must_exist);
	if (c->path && !conf_yaml_load(c, c->path, profile, &why))
		return 0;
	if (c->path && (why.code != ERR_NOT_FOUND || must_exist))
		return err_set(e, ERR_USAGE, "%s", why.msg);
	if (profile)
		return err_set(e, ERR_USAGE, "there is no profile '%s', because "
			"there is no configuration file%s%s", profile,
			c->path ? " " : "", c->path ? c->path : "");
	free(c->path);
	c->path = NULL;
	return 0;
}

/* ---- environment and flags -------------------------------------------------- */

/* SASL_USERNAME is sasl.username, LOG__LEVEL is log_level. */
static void
property_name(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '_' && i + 1 < n && text[i + 1] == '_')
			buf_addc(out, text[i++]);
		else
			buf_addc(out, text[i] == '_' ? '.' :
				(char)tolower((unsigned char)text[i]));
	}
}

static void
load_environment(struct conf *c)
{
	static const char prefix[] = "KC_X_";
	const size_t skip = sizeof(prefix) - 1;
	const char *brokers = environment("KC_BROKERS");

	for (char **v = environ; *v; v++) {
		struct buf name = BUF_INIT;
		size_t n = strcspn(*v, "=");

		if (strncmp(*v, prefix, skip) || n == skip || !(*v)[n])
			continue;
		property_name(&name, *v + skip, n - skip);
		conf_set(c, buf_cstr(&name), *v + n + 1, "$%.*s", (int)n, *v);
		buf_release(&name);
	}
	if (brokers)
		conf_set(c, "bootstrap.servers", brokers, "$KC_BROKERS");
}

static bool
is_word(const char *text)
{
	return !strcmp(text, "list") || !strcmp(text, "dump") || !strcmp(text, "profiles");
}

static int
load_flags(struct conf *c, const struct conf_args *a, struct err *e)
{
	for (int i = 0; i < a->props.n; i++) {
		const char *text = a->props.items[i], *equals = strchr(text, '=');
		char *name;

		if (is_word(text))
			continue;
		if (!equals || equals == text)
			return err_set(e, ERR_USAGE, "'-X %s' is not NAME=VALUE "
				"(or 'list', 'dump', 'profiles')", text);
		name = xmemdup0(text, (size_t)(equals - text));
		if (conf_is_secret(name)) {
			err_set(e, ERR_USAGE, "'-X %s=...' shows the secret to all "
				"users of this machine (put it into a file for -F, "
				"the configuration file, or the environment as "
				"KC_X_...)", name);
			free(name);
			return -1;
		}
		conf_set(c, name, equals + 1, "-X");
		free(name);
	}
	if (a->brokers)
		conf_set(c, "bootstrap.servers", a->brokers, "-b");
	return 0;
}

/* What comes after the configuration file. */
static int
load_over(struct conf *c, const struct conf_args *a, struct err *e)
{
	load_environment(c);
	if (a->props_file && conf_properties_load(c, a->props_file, e) < 0) {
		e->code = ERR_USAGE; /* a missing file too */
		return -1;
	}
	return load_flags(c, a, e);
}

/* -F, -X and the environment name the first cluster: the other's brokers are its profile's. */
static int
load_over_profile(struct conf *c, const struct conf_args *a, struct err *e)
{
	const char *brokers = conf_get(c, "bootstrap.servers");
	char *kept;
	int result;

	if (!brokers)
		return err_set(e, ERR_USAGE, "profile '%s' names no brokers", a->profile);
	kept = xstrdup(brokers);
	result = load_over(c, a, e);
	conf_set(c, "bootstrap.servers", kept, "profile '%s'", a->profile);
	free(kept);
	return result;
}

int
conf_load(struct conf *c, const struct conf_args *a, struct err *e)
{
	*c = (struct conf){ 0 };
	if (load_file(c, a, e) < 0 || (a->other && !a->brokers ?
	    load_over_profile(c, a, e) : load_over(c, a, e)) < 0)
		return -1;
	conf_default(c, "bootstrap.servers", "localhost:9092");
	/* Who asks what is set may be looking for the mistake. */
	return conf_wants_dump(a) || conf_wants_list(a) ? 0 : conf_check(c, e);
}

int
conf_timeout(const struct conf_args *a, int longest)
{
	int64_t ms = a->timeout_ms;

	if (ms < 0)
		return TIMEOUT_MS;
	return !ms || ms > (longest < 0 ? INT_MAX : longest) ? longest : (int)ms;
}

/* ---- -X list, dump, profiles ----------------------------------------------- */

static bool
wants(const struct conf_args *a, const char *word)
{
	for (int i = 0; i < a->props.n; i++)
		if (!strcmp(a->props.items[i], word))
			return true;
	return false;
}

bool
conf_wants_list(const struct conf_args *a)
{
	return wants(a, "list");
}

bool
conf_wants_dump(const struct conf_args *a)
{
	return wants(a, "dump");
}

bool
conf_wants_profiles(const struct conf_args *a)
{
	return wants(a, "profiles");
}

int
conf_list_profiles(const struct conf_args *a, struct err *e)
{
	struct buf names = BUF_INIT;
	bool must_exist;
	struct err why = ERR_INIT;
	char *path = config_path(a, &must_exist);
	int result = 0;

	if (path && conf_yaml_profiles(path, &names, &why) < 0 &&
	    (why.code != ERR_NOT_FOUND || must_exist))
		result = err_set(e, ERR_USAGE, "%s", why.msg);
	printf("%s", buf_cstr(&names));
	if (!result && fflush(stdout))
		result = err_errno(e, ERR_IO, "cannot write to stdout");
	buf_release(&names);
	free(path);
	return result;
}

static int
by_name(const void *a, const void *b)
{
	const struct conf_prop *const *p = a, *const *q = b;

	return strcmp((*p)->name, (*q)->name);
}

int
conf_dump(const struct conf *c, struct err *e)
{
	const struct conf_prop **sorted = xcalloc((size_t)c->props_n, sizeof(*sorted));

	for (int i = 0; i < c->props_n; i++)
		sorted[i] = &c->props[i];
	qsort(sorted, (size_t)c->props_n, sizeof(*sorted), by_name);
	for (int i = 0; i < c->props_n; i++)
		printf("%s = %s    # %s\n", sorted[i]->name,
			sorted[i]->secret ? "[hidden]" : sorted[i]->value,
			sorted[i]->origin);
	free(sorted);
	for (int i = 0; i < c->redacts_n; i++)
		printf("redact '%s' = %s    # %s\n", c->redacts[i].topics,
			c->redacts[i].paths, c->redacts[i].origin);
	return fflush(stdout) ? err_errno(e, ERR_IO, "cannot write to stdout") : 0;
}
