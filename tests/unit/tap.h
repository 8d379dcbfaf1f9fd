/*
 * tap.h - the whole of our unit test framework: checks that print TAP lines.
 *
 * A test file is a list of static functions named as facts, and a main that
 * calls RUN() on each and returns tap_done().
 */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_tests, tap_failures, tap_bad;

#define CHECK(cond) tap_check((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(a, b) tap_int((int64_t)(a), (int64_t)(b), #a, __FILE__, __LINE__)
#define CHECK_STR(a, b) tap_str((a), (b), #a, __FILE__, __LINE__)
#define RUN(fn) tap_run(fn, #fn)

static inline bool
tap_check(bool ok, const char *what, const char *file, int line)
{
	if (!ok) {
		printf("# %s:%d: not true: %s\n", file, line, what);
		tap_bad++;
	}
	return ok;
}

static inline bool
tap_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
	if (got != want) {
		printf("# %s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file,
			line, what, got, want);
		tap_bad++;
	}
	return got == want;
}

static inline bool
tap_str(const char *got, const char *want, const char *what, const char *file,
	int line)
{
	bool ok = got && want ? !strcmp(got, want) : got == want;

	if (!ok) {
		printf("# %s:%d: %s is '%s', not '%s'\n", file, line, what,
			got ? got : "(null)", want ? want : "(null)");
		tap_bad++;
	}
	return ok;
}

static inline void
tap_run(void (*fn)(void), const char *name)
{
	tap_bad = 0;
	fn();
	printf("%s %d - %s\n", tap_bad ? "not ok" : "ok", ++tap_tests, name);
	fflush(stdout);
	tap_failures += tap_bad != 0;
}

/* A new folder in $TMPDIR; its path is kept. False when there is none. */
static inline bool
tap_folder(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(path, size, "%s/kc-unit-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	return n > 0 && (size_t)n < size && mkdtemp(path);
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures != 0;
}

#endif
