#include "net/fault_rule.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "wire/errors.h"

enum word_type { WORD_FLAG, WORD_TEXT, WORD_NUMBER, WORD_TIME, WORD_ERROR,
	WORD_CHANCE, WORD_VERSIONS };

/* The targets of fault_target in which a word has a meaning. */
enum {
	REQ = 1 << FAULT_REQUEST | 1 << FAULT_COORDINATOR,
	COORDINATOR = 1 << FAULT_COORDINATOR,
	LEADER = 1 << FAULT_LEADER,
	DISK = 1 << FAULT_DISK,
	ALL = REQ | LEADER | DISK,
};

struct word {
	const char *name;
	enum word_type type;
	size_t at;
	int targets;
	bool acts;
	int64_t min, max; /* of numbers */
};

#define AT(member) offsetof(struct fault_rule, member)
static const struct word words[] = {
	{ "topic", WORD_TEXT, AT(topic), REQ | LEADER, false, 0, 0 },
	{ "partition", WORD_NUMBER, AT(partition), REQ | LEADER, false, 0, INT32_MAX },
	{ "group", WORD_TEXT, AT(group), REQ, false, 0, 0 },
	{ "transactional-id", WORD_TEXT, AT(transactional_id), REQ, false, 0, 0 },
	{ "client", WORD_TEXT, AT(client), REQ, false, 0, 0 },
	{ "version", WORD_VERSIONS, 0, REQ, false, 0, 0 },
	{ "node", WORD_NUMBER, AT(broker), REQ, false, 0, INT32_MAX },
	{ "nth", WORD_NUMBER, AT(nth), REQ, false, 1, INT64_MAX },
	{ "every", WORD_NUMBER, AT(every), REQ, false, 1, INT64_MAX },
	{ "request", WORD_NUMBER, AT(request), REQ, false, 1, INT64_MAX },
	{ "count", WORD_NUMBER, AT(count), REQ, false, 1, INT64_MAX },
	{ "chance", WORD_CHANCE, AT(chance), REQ, false, 0, 0 },
	{ "seed", WORD_NUMBER, AT(seed), REQ, false, 0, INT64_MAX },
	{ "for", WORD_TIME, AT(for_ms), ALL, false, 0, 0 },
	{ "error", WORD_ERROR, AT(action.error), REQ, true, 0, 0 },
	{ "close", WORD_FLAG, AT(action.close), REQ, true, 0, 0 },
	{ "drop", WORD_FLAG, AT(action.drop), REQ, true, 0, 0 },
	{ "after", WORD_FLAG, AT(action.after), REQ, false, 0, 0 },
	{ "truncate", WORD_NUMBER, AT(action.truncate), REQ, true, 0, INT32_MAX },
	{ "delay", WORD_TIME, AT(action.delay_ms), REQ, true, 0, 0 },
	{ "throttle", WORD_TIME, AT(action.throttle_ms), REQ, true, 0, 0 },
	{ "lost", WORD_FLAG, AT(action.lost), COORDINATOR | LEADER, true, 0, 0 },
	{ "loading", WORD_FLAG, AT(action.loading), COORDINATOR, true, 0, 0 },
	{ "full", WORD_FLAG, AT(action.full), DISK, true, 0, 0 },
	{ "eio", WORD_FLAG, AT(action.eio), DISK, true, 0, 0 },
	{ "nosync", WORD_FLAG, AT(action.nosync), DISK, true, 0, 0 },
	{ "slow", WORD_TIME, AT(action.slow_ms), DISK, true, 0, 0 },
};
enum { WORDS = sizeof(words) / sizeof(*words) };

static const char *const target_names[] = { "any", "coordinator", "leader", "disk" };

/* The words with a meaning for this target, for a person. */
static void
list_words(struct buf *out, enum fault_target target, bool acts)
{
	for (int i = 0; i < WORDS; i++)
		if (words[i].targets & 1 << target && words[i].acts == acts)
			buf_addf(out, "%s%s%s", out->len ? ", " : "",
				words[i].name,
				words[i].type == WORD_FLAG ? "" : "=");
}

static int
fail_with_words(enum fault_target target, const char *fmt, const char *word,
	struct err *e)
{
	struct buf known = BUF_INIT;

	list_words(&known, target, false);
	list_words(&known, target, true);
	err_set(e, ERR_USAGE, "%s '%s' (try: %s)", fmt, word, buf_cstr(&known));
	buf_release(&known);
	return -1;
}

static int
parse_error(const char *text, int16_t *out, struct err *e)
{
	int64_t code;

	for (int i = -1; i < 200; i++)
		if (!strcasecmp(text, kerr_name((int16_t)i)) &&
		    strcmp(kerr_name((int16_t)i), "UNKNOWN_ERROR_CODE")) {
			*out = (int16_t)i;
			return 0;
		}
	if (*text == '-' || (*text >= '0' && *text <= '9')) {
		if (num_int(slice_str(text), INT16_MIN, INT16_MAX, &code, e))
			return err_wrap(e, "error '%s'", text);
		*out = (int16_t)code;
		return 0;
	}
	return err_set(e, ERR_USAGE,
		"no error is called '%s' (Kafka's names, as NOT_LEADER_OR_FOLLOWER, or its numbers)",
		text);
}

/* Digits, and a fraction: 0.05. No locale. */
static int
parse_chance(const char *text, double *out, struct err *e)
{
	int64_t millionths = 0, unit = 1000000, whole;
	const char *p = text + 1;

	whole = *text - '0';
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9' && unit > 1; p++) {
			unit /= 10;
			millionths += (*p - '0') * unit;
		}
	}
	if (whole < 0 || whole > 1 || *p || (whole && millionths))
		return err_set(e, ERR_USAGE,
			"chance '%s' is not a number from 0 to 1 (as in chance=0.05)",
			text);
	*out = (double)(whole * 1000000 + millionths) / 1e6;
	return 0;
}

static int
parse_versions(struct fault_rule *r, const char *text, struct err *e)
{
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);

	if (num_int(slice_make(text, n), 0, INT16_MAX, &r->version_min, e) ||
	    num_int(dash ? slice_str(dash + 1) : slice_make(text, n),
		r->version_min, INT16_MAX, &r->version_max, e))
		return err_wrap(e, "version '%s' (as in version=7 or version=4-11)",
			text);
	return 0;
}

static int
parse_value(struct fault_rule *r, const struct word *w, const char *text,
	struct err *e)
{
	void *at = (char *)r + w->at;

	switch (w->type) {
	case WORD_FLAG:
		*(bool *)at = true;
		return 0;
	case WORD_TEXT:
		free(*(char **)at);
		*(char **)at = xstrdup(text);
		return 0;
	case WORD_NUMBER:
		if (num_int(slice_str(text), w->min, w->max, at, e))
			return err_wrap(e, "%s '%s'", w->name, text);
		return 0;
	case WORD_TIME:
		if (num_duration(slice_str(text), at, e))
			return err_wrap(e, "%s '%s'", w->name, text);
		return 0;
	case WORD_CHANCE:
		return parse_chance(text, at, e);
	case WORD_VERSIONS:
		return parse_versions(r, text, e);
	case WORD_ERROR:
		r->action.has_error = true;
		return parse_error(text, at, e);
	}
	return 0;
}

static int
parse_word(struct fault_rule *r, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");

	for (int i = 0; i < WORDS; i++) {
		const struct word *w = &words[i];

		if (strlen(w->name) != n || memcmp(w->name, text, n))
			continue;
		if (!(w->targets & 1 << r->target))
			return fail_with_words(r->target,
				"has no meaning here:", text, e);
		if ((w->type == WORD_FLAG) != !text[n] ||
		    (text[n] && !text[n + 1]))
			return err_set(e, ERR_USAGE, w->type == WORD_FLAG ?
				"'%s' takes no value" : "'%s' lacks its value (as in %s=...)",
				text, w->name);
		return parse_value(r, w, text + n + (text[n] != 0), e);
	}
	return fail_with_words(r->target, "unknown word", text, e);
}

static int
parse_target(struct fault_rule *r, const char *text, struct err *e)
{
	const struct api *table;
	int n;

	for (int i = 0; i < 4; i++)
		if (!strcmp(text, target_names[i])) {
			r->target = (enum fault_target)i;
			return 0;
		}
	table = api_table(&n);
	for (int i = 0; i < n; i++)
		if (!strcasecmp(text, table[i].name)) {
			r->api = &table[i];
			return 0;
		}
	return err_set(e, ERR_USAGE,
		"'%s' is nothing that can fail (a request by Kafka's name, as Produce, or: any, coordinator, leader, disk)",
		text);
}

static int
check(struct fault_rule *r, struct err *e)
{
	const struct fault_action *a = &r->action;
	struct buf known = BUF_INIT;

	if (a->has_error && !a->error)
		return err_set(e, ERR_USAGE, "error=NONE is no fault");
	if (!a->has_error && !a->close && !a->drop && !a->lost && !a->loading &&
	    !a->full && !a->eio && !a->nosync && a->truncate < 0 &&
	    !a->delay_ms && !a->throttle_ms && !a->slow_ms) {
		list_words(&known, r->target, true);
		err_set(e, ERR_USAGE, "nothing happens (try: %s)", buf_cstr(&known));
		buf_release(&known);
		return -1;
	}
	if (r->partition >= 0 && !r->topic)
		return err_set(e, ERR_USAGE, "partition= needs topic=, too");
	if (a->after && !a->has_error && !a->close)
		return err_set(e, ERR_USAGE,
			"after belongs to error= or close (a reply is delayed, dropped or cut after the request in any case)");
	return 0;
}

struct fault_rule *
fault_rule_parse(const char *line, struct err *e)
{
	struct fault_rule *r = xcalloc(1, sizeof(*r));
	struct buf text = BUF_INIT;
	char *copy = xstrdup(line), *save = NULL, *word;
	bool bad = false;

	list_init(&r->node);
	r->partition = r->broker = r->version_min = -1;
	r->version_max = INT16_MAX;
	r->action.truncate = -1;
	r->chance = 1;
	r->until = INT64_MAX;
	for (word = strtok_r(copy, " \t\r\n", &save); word && !bad;
	    word = strtok_r(NULL, " \t\r\n", &save)) {
		bad = (text.len ? parse_word : parse_target)(r, word, e) < 0;
		buf_addf(&text, "%s%s", text.len ? " " : "", word);
	}
	if (!bad && !text.len)
		bad = err_set(e, ERR_USAGE, "an empty rule") < 0;
	bad = bad || check(r, e) < 0;
	r->random = (uint64_t)r->seed * 2 + 0x9e3779b97f4a7c15;
	r->text = xstrdup(buf_cstr(&text));
	buf_release(&text);
	free(copy);
	if (!bad)
		return r;
	fault_rule_free(r);
	return NULL;
}

void
fault_rule_free(struct fault_rule *r)
{
	free(r->text);
	free(r->topic);
	free(r->group);
	free(r->transactional_id);
	free(r->client);
	free(r);
}
