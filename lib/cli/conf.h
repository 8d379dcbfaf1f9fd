/*
 * conf.h - settings from flags, environment, profile and file, with their
 * origins; the shared options of every tool that talks to a broker.
 *
 * Precedence: -b, -X > -F > environment > profile > configuration file > kc's
 * default > librdkafka's. The configuration file is YAML (kc.conf(5)); -F reads
 * librdkafka/kcat files and Java client.properties. librdkafka's aliases
 * (metadata.broker.list) are one property with what they stand for, here and
 * in conf_get(). conf_yaml.c is the only includer of yaml.h.
 */
#ifndef CLI_CONF_H
#define CLI_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/opt.h"

/* What the shared options fill in; a member of every tool's struct. */
struct conf_args {
	const char *brokers;      /* -b --brokers --bootstrap-server */
	struct opt_list props;    /* -X prop=val */
	const char *props_file;   /* -F FILE */
	const char *profile;      /* --profile */
	const char *config;       /* --config FILE */
	const char *color;        /* --color auto|always|never */
	int64_t timeout_ms;       /* --timeout; -1 = not given */
	bool quiet;               /* -q */
	int verbose;              /* -v */
	bool other;               /* another cluster: its brokers are those of `brokers`, or else of the profile */
};
#define CONF_ARGS_INIT { .timeout_ms = -1 }
extern const struct opt conf_options[];

struct conf_prop {
	char *name, *value;
	char *origin;             /* "-X", "$KC_BROKERS", "profile 'prod' of ...", "default" */
	bool secret;              /* never printed */
};

/* What kc-dlq masks of topics: see model/redact.h. */
struct conf_redact {
	char *topics;             /* glob */
	char *paths;              /* "key,value.card": as redact_add() takes them */
	int line;                 /* of the file */
	char *origin;
};

struct conf {
	struct conf_prop *props;  /* librdkafka property names, one each */
	int props_n;
	struct conf_redact *redacts; /* in the order of the file; all that match hold */
	int redacts_n;
	char *path;               /* the configuration file read, or NULL */
};

/*
 * Resolves everything; afterwards bootstrap.servers is always set. Errors are
 * ERR_USAGE: missing file, a secret that others can read, unknown key, bad
 * YAML with its line. -X list, dump and profiles are the caller's (client_load() in
 * kafka/client.h). After an error *c may be released.
 */
int conf_load(struct conf *c, const struct conf_args *a, struct err *e);
void conf_release(struct conf *c);
/* NULL when nothing set it; borrows. */
const char *conf_get(const struct conf *c, const char *name);
/* A default of kc's: set only when nothing else did. */
void conf_default(struct conf *c, const char *name, const char *value);
bool conf_wants_list(const struct conf_args *a);
bool conf_wants_dump(const struct conf_args *a);
bool conf_wants_profiles(const struct conf_args *a);
/* The names in the configuration file, a line each on stdout. Runs and reads nothing that the file names. */
int conf_list_profiles(const struct conf_args *a, struct err *e);
/* "name = value    # origin" lines on stdout, secrets hidden. */
int conf_dump(const struct conf *c, struct err *e);

/*
 * --timeout in ms: 30 s when it is not given. 0, and what is longer than
 * `longest`, mean that: CONF_FOR_EVER, or an hour for what must answer.
 */
enum { CONF_FOR_EVER = -1, CONF_AN_HOUR = 3600000 };
int conf_timeout(const struct conf_args *a, int longest);

/*
 * The path of a file that one run keeps for the next, as "lag/undo.jsonl":
 * below $XDG_STATE_HOME/kc or ~/.local/state/kc. Its directories are made.
 */
int conf_state_path(struct buf *out, const char *name, struct err *e);
/* A file without a name, in $TMPDIR: gone when it is closed. Its descriptor; -1 = ERR_IO. */
int conf_unnamed_file(struct err *e);

#endif
