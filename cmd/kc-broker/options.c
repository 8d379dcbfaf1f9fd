#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "ephemeral.h"
#include "log.h"

enum { PORT = 9092 };

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

#define AT(member) offsetof(struct args, member)
static const struct opt options[] = {
	{ 0, "data-dir", OPT_STRING, AT(data_dir), "DIR",
		.help = "where topics live (~/.local/share/kc/broker; root: /var/lib/kc)",
		.group = "data" },
	{ 0, "ephemeral", OPT_FLAG, AT(ephemeral), NULL,
		.help = "keep data in a fresh directory, removed at exit; any free port",
		.group = "data" },
	{ 0, "listen", OPT_LIST, AT(listen), "ADDR[:PORT]",
		.help = "listen there, '*' is everywhere (127.0.0.1 and ::1; repeatable)" },
	{ 0, "port", OPT_INT, AT(port), "N",
		.help = "port, 0 = any free one (9092)",
		.min = 0, .max = 65535 },
	{ 0, "advertise", OPT_STRING, AT(advertise), "HOST[:PORT]",
		.help = "what clients are told (the address they connected to)" },
	{ 0, "fsync", OPT_STRING, AT(fsync), "POLICY",
		.help = "group, always, interval:MS or never (group)" },
	{ 0, "wal-size", OPT_SIZE, AT(wal_bytes), "SIZE",
		.help = "size of the write-ahead log (128M)" },
	{ 0, "config", OPT_STRING, AT(config), "FILE",
		.help = "server properties, as Kafka's server.properties" },
	{ 'o', "option", OPT_LIST, AT(props), "KEY=VALUE",
		.help = "one server property, wins over --config (repeatable)" },
	{ 0, "ready-fd", OPT_INT, AT(ready_fd), "FD",
		.help = "write host:port and a newline there once clients are accepted",
		.min = 0, .max = 1 << 20 },
	{ 0, "pid-file", OPT_STRING, AT(pid_file), "FILE",
		.help = "write the process id there while running" },
	{ 0, "repair", OPT_FLAG, AT(repair), NULL,
		.help = "cut logs at the first damage instead of refusing to start" },
	{ 0, "log-level", OPT_CHOICE, AT(log_level), "LEVEL",
		.help = "error, warn, info or debug (info)", .choices = levels },
	{ 'q', "quiet", OPT_FLAG, AT(quiet), NULL, .help = "errors only" },
	{ 'v', "verbose", OPT_COUNT, AT(verbose), NULL, .help = "log every decision" },
	OPT_END
};

const struct opt_program options_program = {
	.name = "kc-broker",
	.summary = "A Kafka broker for one machine.",
	.usage = (const char *const[]){ "[OPTION...]",
		"--ephemeral [OPTION...] -- COMMAND [ARG...]", NULL },
	.options = options,
	.examples = (const char *const[]){
		"kc-broker &",
		"kc-broker --ephemeral -- ./my-script.sh",
		"kc-broker --listen '*' -o num.partitions=4", NULL },
	.section = 8,
};

/* ---- configuration -------------------------------------------------------- */

static void
warn(const char *line)
{
	diag_warn("%s", line);
}

static int
set_property(struct config *c, const char *pair, struct err *e)
{
	const char *eq = strchr(pair, '=');
	char *name;
	bool ignored;
	int result;

	if (!eq)
		return err_set(e, ERR_USAGE, "-o '%s' is not KEY=VALUE", pair);
	name = xmemdup0(pair, (size_t)(eq - pair));
	result = config_set(c, name, eq + 1, &ignored, e);
	if (!result && ignored)
		diag_warn("property '%s' is ignored on one node", name);
	free(name);
	return result;
}

int
options_config(struct config *c, const struct args *a, struct err *e)
{
	if (a->config && config_load(c, a->config, warn, e))
		return -1;
	for (int i = 0; i < a->props.n; i++)
		if (set_property(c, a->props.items[i], e))
			return -1;
	return 0;
}

int
options_fsync(const char *text, struct broker_options *o, struct err *e)
{
	static const char *const names[] = { "group", "always", NULL, "never" };
	int64_t ms;

	for (int i = 0; i < 4; i++)
		if (names[i] && !strcmp(text, names[i])) {
			o->fsync = (enum fsync_policy)i;
			return 0;
		}
	if (strncmp(text, "interval:", 9))
		return err_set(e, ERR_USAGE,
			"--fsync '%s' is not group, always, interval:MS or never",
			text);
	if (num_int(slice_str(text + 9), 1, 3600000, &ms, e))
		return err_wrap(e, "--fsync '%s'", text);
	o->fsync = FSYNC_INTERVAL;
	o->interval_ms = (int)ms;
	return 0;
}

/* mkdir -p of what is above the directory. */
static int
make_parents(const char *dir, struct err *e)
{
	char *path = xstrdup(dir);
	int result = 0;

	for (char *p = path + 1; *p && !result; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			result = err_errno(e, ERR_IO,
				"cannot make the directory '%s'", path);
		*p = '/';
	}
	free(path);
	return result;
}

static int
default_dir(struct buf *dir, struct err *e)
{
	const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (!geteuid())
		buf_addstr(dir, "/var/lib/kc");
	else if (xdg && *xdg == '/')
		buf_addf(dir, "%s/kc/broker", xdg);
	else if (home && *home == '/')
		buf_addf(dir, "%s/.local/share/kc/broker", home);
	else
		return err_set(e, ERR_USAGE,
			"no data directory: HOME is not set (try: --data-dir DIR)");
	return make_parents(buf_cstr(dir), e);
}

int
options_dir(struct buf *dir, const struct args *a, const struct config *c,
	struct err *e)
{
	const char *dirs = config_get(c, "log.dirs");
	char *fresh;

	if (!dirs)
		dirs = config_get(c, "log.dir");
	if (a->ephemeral) {
		fresh = ephemeral_dir(e);
		if (!fresh)
			return -1;
		buf_addstr(dir, fresh);
		free(fresh);
	} else if (a->data_dir || dirs) {
		if (!a->data_dir && strchr(dirs, ','))
			return err_set(e, ERR_USAGE,
				"log.dirs '%s': kc-broker has one data directory",
				dirs);
		buf_addstr(dir, a->data_dir ? a->data_dir : dirs);
	} else if (default_dir(dir, e)) {
		return -1;
	}
	buf_cstr(dir);
	return 0;
}

/* ---- addresses ------------------------------------------------------------ */

/*
 * Kafka's "PLAINTEXT://HOST:PORT,...": calls fn for each. An empty host is
 * every address; the controller's listener of a KRaft file has no use here.
 */
static int
each_listener(struct server *s, const char *list, const char *property,
	int (*fn)(struct server *s, const char *address, struct err *e),
	struct err *e)
{
	static const char scheme[] = "PLAINTEXT://";

	for (const char *p = list; *p; ) {
		size_t n = strcspn(p, ","), skip = sizeof(scheme) - 1;
		char *item;
		int result;

		while (n && *p == ' ')
			p++, n--;
		if (n >= 13 && !strncmp(p, "CONTROLLER://", 13)) {
			diag_warn("%s: '%.*s' is ignored: there is one node",
				property, (int)n, p);
		} else if (n < skip || strncmp(p, scheme, skip)) {
			return err_set(e, ERR_USAGE,
				"%s: '%.*s' is not PLAINTEXT://HOST:PORT (kc-broker has no TLS and no SASL)",
				property, (int)n, p);
		} else {
			struct buf b = BUF_INIT;

			buf_addstr(&b, p[skip] == ':' ? "*" : "");
			buf_add(&b, p + skip, n - skip);
			item = xstrdup(buf_cstr(&b));
			buf_release(&b);
			result = fn(s, item, e);
			free(item);
			if (result)
				return err_wrap(e, "%s", property);
		}
		p += n + (p[n] == ',');
	}
	return 0;
}

static int
listen_at(struct server *s, const char *address, struct err *e)
{
	return server_listen(s, address, PORT, e);
}

int
options_listen(struct server *s, const struct args *a, const struct config *c,
	struct err *e)
{
	const char *advertised = config_get(c, "advertised.listeners");
	const char *listeners = config_get(c, "listeners");
	int port = a->port >= 0 ? (int)a->port : a->ephemeral ? 0 : PORT;

	for (int i = 0; i < a->listen.n; i++)
		if (server_listen(s, a->listen.items[i], port, e))
			return -1;
	if (!a->listen.n && listeners && a->port < 0 && !a->ephemeral &&
	    each_listener(s, listeners, "listeners", listen_at, e))
		return -1;
	if (list_is_empty(&s->listeners) && server_listen(s, NULL, port, e))
		return -1;
	if (a->advertise)
		return server_advertise(s, a->advertise, e);
	if (advertised)
		return each_listener(s, advertised, "advertised.listeners",
			server_advertise, e);
	return 0;
}

/* ---- words ---------------------------------------------------------------- */

void
options_level(const struct args *a, bool has_command)
{
	/* A command's own words should not be buried in ours. */
	enum log_level l = has_command ? LOG_WARN : LOG_INFO;

	if (a->log_level)
		l = (enum log_level)log_level_of(a->log_level);
	if (a->verbose)
		l = LOG_DEBUG;
	if (a->quiet)
		l = LOG_ERROR;
	log_set_level(l);
	diag_set_level(a->quiet, a->verbose);
}
