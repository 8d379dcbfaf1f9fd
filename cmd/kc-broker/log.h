/*
 * log.h - what the broker has to say while it runs: lines on stderr.
 *
 *	2026-01-15T10:00:00.123Z info connection closed peer=127.0.0.1:50312
 *
 * A sentence, then key=value pairs. Storage is store/; this is diagnostics.
 * Call it from the loop's thread only.
 */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "error", "warn", "info", "debug"; -1 for anything else. */
int log_level_of(const char *name);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
