/*
 * conf_part.h - private to conf: what its readers share.
 */
#ifndef CLI_CONF_PART_H
#define CLI_CONF_PART_H

#include <stdbool.h>

#include "base/buf.h"
#include "cli/conf.h"

/* Sets a property, replacing what a lower layer said. */
void conf_set(struct conf *c, const char *name, const char *value,
	const char *origin, ...) __attribute__((format(printf, 4, 5)));

/* One more of c->redacts. */
void conf_add_redact(struct conf *c, const char *topics, const char *paths,
	int line, const char *origin);

/* Must not be shown, nor lie in a file that others can read. */
bool conf_is_secret(const char *name);

/* Whether the brokers can be brokers, and the files of TLS can be read. */
int conf_check(const struct conf *c, struct err *e);

/*
 * The whole of a file. *exposed: group or others may read it. An absent file
 * is ERR_NOT_FOUND, all else ERR_USAGE.
 */
int conf_read(const char *path, struct buf *text, bool *exposed, struct err *e);

/* The error of a secret in a file that others can read. */
int conf_fail_exposed(const char *path, const char *name, struct err *e);

/* Applies the configuration file: its top level, then the profile (NULL: its default). */
int conf_yaml_load(struct conf *c, const char *path, const char *profile,
	struct err *e);

/* The names of the file's profiles, a line each; their contents are not looked at. */
int conf_yaml_profiles(const char *path, struct buf *out, struct err *e);

/* Applies a librdkafka or Java properties file. */
int conf_properties_load(struct conf *c, const char *path, struct err *e);

/*
 * conf_java.c: sets what a pair of a Java file means to librdkafka. 1 = it is
 * not one of Java's own names; 0 = done, or nothing to do; -1 = error.
 * other(ctx, name) is the value of another pair of the same file, or NULL.
 */
struct conf_java {
	struct conf *conf;
	const char *path, *origin;
	const char *(*other)(const struct conf_java *j, const char *name);
};
int conf_java_set(const struct conf_java *j, const char *name, const char *value,
	struct err *e);

/* conf_jaas.c: the text of sasl.jaas.config. */
int conf_jaas_set(const struct conf_java *j, const char *text, struct err *e);

#endif
