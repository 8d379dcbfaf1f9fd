/* options.h - kc-broker's command line, and what it means together with the properties. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "broker.h"
#include "cli/opt.h"
#include "config.h"
#include "net/server.h"

struct args {
	const char *data_dir, *advertise, *pid_file, *config, *fsync, *log_level;
	struct opt_list listen, props;
	int64_t port, ready_fd; /* -1 = not given */
	int64_t wal_bytes;
	int64_t memory_max; /* -1 = not given */
	int64_t virtual_brokers;
	const char *as_version, *faults, *admin_socket, *metrics, *log_format, *log_file;
	bool json; /* of status */
	bool ephemeral, quiet, repair;
	int verbose;
};

#define ARGS_INIT { .port = -1, .ready_fd = -1, .memory_max = -1, .wal_bytes = 128 << 20, .virtual_brokers = 1, \
	.fsync = "group" }

extern const struct opt_program options_program;

/* Does the line name a verb, or ask for help, rather than start a broker? */
bool options_has_verb(int argc, char **argv);
/* The admin socket: --admin-socket, or the data directory's; NUL-ended. */
void options_socket(struct buf *path, const struct args *a, const char *dir);

/* --config, then every -o. */
int options_config(struct config *c, const struct args *a, struct err *e);
int options_fsync(const char *text, struct broker_options *o, struct err *e);
/* Where the data goes, NUL-ended; an ephemeral directory is made here. */
int options_dir(struct buf *dir, const struct args *a, const struct config *c,
	struct err *e);
/* Listens wherever options and properties say. */
int options_listen(struct server *s, const struct args *a, const struct config *c,
	struct err *e);
/* How much is said, how, and where. */
int options_log(const struct args *a, bool has_command, struct err *e);

#endif
