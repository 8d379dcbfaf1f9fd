/*
 * replay_select.h - which records of a range are replayed. Pure, and stable:
 * the same record is chosen by every run, so that a job can be resumed and
 * verified.
 */
#ifndef MODEL_REPLAY_SELECT_H
#define MODEL_REPLAY_SELECT_H

#include <regex.h>
#include <stdbool.h>

#include "base/err.h"
#include "model/record.h"

enum replay_tombstones { TOMBSTONES_KEEP, TOMBSTONES_DROP, TOMBSTONES_ONLY };

enum { SAMPLE_ALL = 1000000 };

/* All conditions hold at once. `{ .sample = SAMPLE_ALL }` selects everything. */
struct replay_select {
	const struct slice *keys;       /* any of them; n 0 = every key */
	int keys_n;
	bool has_regex;
	regex_t regex;                  /* of the key; a null key never matches */
	const struct record_header *headers; /* each; a null value = any value */
	int headers_n;
	int sample;                     /* of a million */
	bool sample_by_key;             /* all records of a key, or none */
	enum replay_tombstones tombstones;
};

/* POSIX extended regular expression. ERR_USAGE. */
int replay_select_regex(struct replay_select *s, const char *pattern, struct err *e);

/* "10%", "0.5%", "10%:key". ERR_USAGE. */
int replay_select_sample(struct replay_select *s, const char *text, struct err *e);

bool replay_selects(const struct replay_select *s, const struct record *r);

void replay_select_release(struct replay_select *s);

#endif
