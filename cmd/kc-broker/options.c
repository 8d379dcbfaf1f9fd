#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "admin_client.h"
#include "cli/diag.h"
#include "ephemeral.h"
#include "log.h"
#include "net/nodes.h"

enum { PORT = 9092 };

static const char *const formats[] = { "text", "json", NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

static int find_socket(struct buf *path, const struct args *a, struct err *e);

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
	{ 0, "virtual-brokers", OPT_INT, AT(virtual_brokers), "N",
		.help = "look like N brokers, on ports one after the other (1)",
		.min = 1, .max = NODES_MAX },
	{ 0, "as-version", OPT_STRING, AT(as_version), "X.Y",
		.help = "offer what this release of Apache Kafka does, such as 2.8" },
	{ 0, "faults", OPT_STRING, AT(faults), "FILE",
		.help = "rules of what fails, for tests" },
	{ 0, "admin-socket", OPT_STRING, AT(admin_socket), "FILE",
		.help = "where status and fault find the broker (.admin in --data-dir)" },
	{ 0, "metrics", OPT_STRING, AT(metrics), "[ADDR:]PORT",
		.help = "serve /metrics and /healthz there (off; ADDR 127.0.0.1)" },
	{ 0, "fsync", OPT_STRING, AT(fsync), "POLICY",
		.help = "group, always, interval:MS or never (group)" },
	{ 0, "wal-size", OPT_SIZE, AT(wal_bytes), "SIZE",
		.help = "size of the write-ahead log (128M)" },
	{ 0, "memory-max", OPT_SIZE, AT(memory_max), "SIZE",
		.help = "memory for requests and replies; above it clients wait (64M)" },
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
	{ 0, "log-format", OPT_CHOICE, AT(log_format), "FORMAT",
		.help = "text or json (text)", .choices = formats },
	{ 0, "log-file", OPT_STRING, AT(log_file), "FILE",
		.help = "append the log there; SIGHUP opens it anew (standard error)" },
	{ 'q', "quiet", OPT_FLAG, AT(quiet), NULL, .help = "errors only" },
	{ 'v', "verbose", OPT_COUNT, AT(verbose), NULL, .help = "log every decision" },
	OPT_END
};

static int
run_status(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct buf path = BUF_INIT;
	int result;

	if (argc)
		return err_set(e, ERR_USAGE, "unexpected argument '%s'", argv[0]);
	result = find_socket(&path, a, e);
	if (!result)
		result = admin_status((const char *)path.data, a->json, e);
	buf_release(&path);
	return result;
}

static int
run_fault(void *args, int argc, char **argv, struct err *e)
{
	struct buf path = BUF_INIT;
	int result = find_socket(&path, args, e);

	if (!result)
		result = admin_fault((const char *)path.data, argc, argv, e);
	buf_release(&path);
	return result;
}

static const struct opt status_options[] = {
	{ 0, "json", OPT_FLAG, AT(json), NULL, .help = "as JSON, on a line" },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "status", "", "how the running broker is", status_options, run_status },
	{ "fault", "add RULE|list|clear [N]|clock STEP",
		"make the running broker fail", NULL, run_fault },
	{ 0 }
};

const struct opt_program options_program = {
	.name = "kc-broker",
	.summary = "A Kafka broker for one machine.",
	.usage = (const char *const[]){ "[OPTION...]",
		"--ephemeral [OPTION...] -- COMMAND [ARG...]",
		"status [--json]",
		"fault add RULE|list|clear [N]|clock STEP", NULL },
	.options = options,
	.commands = commands,
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
	char text[24];

	if (a->config && config_load(c, a->config, warn, e))
		return -1;
	for (int i = 0; i < a->props.n; i++)
		if (set_property(c, a->props.items[i], e))
			return -1;
	if (a->memory_max < 0)
		return 0;
	snprintf(text, sizeof(text), "%" PRId64, a->memory_max);
	return config_set(c, "queued.max.request.bytes", text, NULL, e) ?
		err_wrap(e, "--memory-max") : 0;
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

/* ---- the running broker ------------------------------------------------------ */

bool
options_has_verb(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--") || !strcmp(argv[i], "--ephemeral"))
			return false;
		if (!strcmp(argv[i], "status") || !strcmp(argv[i], "fault") ||
		    !strcmp(argv[i], "-h") || !strcmp(argv[i], "--help") ||
		    !strcmp(argv[i], "--dump-options"))
			return true;
	}
	return false;
}

void
options_socket(struct buf *path, const struct args *a, const char *dir)
{
	if (a->admin_socket)
		buf_addstr(path, a->admin_socket);
	else
		buf_addf(path, "%s/.admin", dir);
	buf_cstr(path);
}

static int
find_socket(struct buf *path, const struct args *a, struct err *e)
{
	const char *given = getenv("KC_BROKER_ADMIN");
	struct config *c = config_new();
	struct buf dir = BUF_INIT;
	int result;

	if (given && !a->admin_socket && !a->data_dir) {
		buf_addstr(path, given);
		buf_cstr(path);
		result = 0;
	} else {
		result = options_config(c, a, e) || options_dir(&dir, a, c, e) ? -1 : 0;
		if (!result)
			options_socket(path, a, buf_cstr(&dir));
	}
	buf_release(&dir);
	config_free(c);
	return result;
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

int
options_log(const struct args *a, bool has_command, struct err *e)
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
	log_set_json(a->log_format && !strcmp(a->log_format, "json"));
	return a->log_file ? log_open(a->log_file, e) : 0;
}
