/*
 * log.h - what the broker has to say while it runs: lines on stderr.
 *
 *	2026-01-15T10:00:00.123Z info connection closed peer=127.0.0.1:50312
 *
 * A sentence, then key=value pairs, values with blanks in double quotes. Storage is store/; this is diagnostics.
 * Call it from the loop's thread only.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
/* A line is a JSON object: time, level, message, and the pairs, as strings. */
void log_set_json(bool json);
/* Appends to the file from now on; its name is kept for log_reopen(). */
int log_open(const char *path, struct err *e);
/* Opens the file anew: it was moved away. Without a file nothing happens. */
void log_reopen(void);
enum log_level log_level(void);
/* "error", "warn", "info", "debug"; -1 for anything else. */
int log_level_of(const char *name);
/* "FATAL" to "TRACE", as Kafka's loggers have them; -1 for anything else. */
int log_level_of_kafka(struct slice name);
/* The level as a Kafka tool shows it: "INFO". */
const char *log_level_kafka(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Why the broker ends: not where main says so in the same words, for people. */
void log_failure(const struct err *e);

#endif
