#include "kafka/dlq_rules.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/num.h"
#include "cli/yaml.h"

/* The name of a rule ends the name of its run. */
enum { NAME_MAX_LEN = 60 };

struct parser {
	struct dlq_rules *rules;
	const char *path;
	int64_t now_ms;
};

typedef int read_fn(const struct parser *p, struct dlq_rule *r,
	const struct yaml *y, struct err *e);

struct member {
	const char *name;
	read_fn *read;
};

/* Each member by its row. */
static int
read_members(const struct parser *p, struct dlq_rule *r, const struct yaml *map,
	const char *what, const struct member *rows, struct err *e)
{
	if (map->kind != YAML_MAP)
		return yaml_fail(p->path, map->line, e, "%s wants 'name: value' "
			"lines", what);
	for (const struct yaml *y = map->first; y; y = y->next) {
		const struct member *m = rows;
		struct near near = near_init(slice_str(y->name));

		for (; m->name && strcmp(m->name, y->name); m++)
			near_offer(&near, m->name);
		if (!m->name)
			return yaml_fail(p->path, y->name_line, e, "%s has no "
				"member '%s' (%s%s%s)", what, y->name,
				near.name ? "did you mean '" : "see kc-dlq(1)",
				near.name ? near.name : "", near.name ? "'?" : "");
		if (m->read(p, r, y, e))
			return -1;
	}
	return 0;
}

static int
want_text(const struct parser *p, const struct yaml *y, const char **out,
	struct err *e)
{
	*out = y->text;
	return y->text && *y->text ? 0 : yaml_fail(p->path, y->line, e,
		"'%s' wants a text", y->name);
}

static int
want_int(const struct parser *p, const struct yaml *y, int64_t min, int64_t max,
	int64_t *out, struct err *e)
{
	struct err why = ERR_INIT;

	if (y->text && !num_int(slice_str(y->text), min, max, out, &why))
		return 0;
	return yaml_fail(p->path, y->line, e, "'%s' wants a whole number, "
		"%" PRId64 " or more", y->name, min);
}

/* ---- match ---- */

static int
add_term(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	const char *kind, const char *value, struct err *e)
{
	return dlq_select_add_option(&r->select, kind, value, p->now_ms, e) ?
		err_wrap(e, "'%s' line %d", p->path, y->line) : 0;
}

/* "<2d" failed less than two days ago, ">7d" more than seven. */
static int
add_age(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	const char *kind, const char *value, struct err *e)
{
	struct err why = ERR_INIT;
	char time[32];
	int64_t ms;

	(void)kind;
	if ((*value != '<' && *value != '>') ||
	    num_duration(slice_str(value + 1), &ms, &why) || ms > p->now_ms)
		return yaml_fail(p->path, y->line, e, "'%s' is no age ('<2d', "
			"'>12h')", value);
	snprintf(time, sizeof(time), "@%" PRId64, p->now_ms - ms);
	return add_term(p, r, y, *value == '<' ? "since" : "until", time, e);
}

typedef int add_fn(const struct parser *p, struct dlq_rule *r,
	const struct yaml *y, const char *kind, const char *value, struct err *e);

/* A text or a list of texts, which are terms of one kind. */
static int
add_each(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	add_fn *add, struct err *e)
{
	const struct yaml *item = y->kind == YAML_LIST ? y->first : y;

	for (; item; item = y->kind == YAML_LIST ? item->next : NULL) {
		if (!item->text || !*item->text)
			return yaml_fail(p->path, item->line, e, "'%s' wants a "
				"text, or a list of texts", y->name);
		if (add(p, r, item, y->name, item->text, e))
			return -1;
	}
	return y->kind != YAML_LIST || y->n ? 0 : yaml_fail(p->path, y->line, e,
		"'%s' has an empty list", y->name);
}

static int
read_term(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	return add_each(p, r, y, add_term, e);
}

static int
read_age(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	return add_each(p, r, y, add_age, e);
}

static const struct member terms[] = {
	{ "class", read_term }, { "message", read_term }, { "stage", read_term },
	{ "kind", read_term }, { "scheme", read_term }, { "origin", read_term },
	{ "group", read_term }, { "key", read_term }, { "header", read_term },
	{ "where", read_term },
	{ "age", read_age },
	{ 0 }
};

/* ---- the members of a rule ---- */

static int
read_name(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	const char *c;

	if (want_text(p, y, &r->name, e))
		return -1;
	for (c = r->name; isalnum((unsigned char)*c) || (*c && strchr("-._", *c)); c++)
		;
	if (*c || c - r->name > NAME_MAX_LEN)
		return yaml_fail(p->path, y->line, e, "'%s' is no name of a rule "
			"(up to %d letters, digits, '-', '.', '_')", r->name,
			NAME_MAX_LEN);
	for (const struct dlq_rule *o = p->rules->rules; o < r; o++)
		if (!strcmp(o->name, r->name))
			return yaml_fail(p->path, y->line, e, "there is a rule "
				"'%s' already, in line %d", r->name, o->line);
	return 0;
}

static int
read_match(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	return yaml_is_nothing(y) ? 0 :
		read_members(p, r, y, "'match'", terms, e);
}

static int
read_do(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	static const char *const verbs[] = { "redrive", "park", "discard" };
	const char *text;

	if (want_text(p, y, &text, e))
		return -1;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i], text))
			r->verb = verbs[i];
	return r->verb ? 0 : yaml_fail(p->path, y->line, e, "'%s' is nothing to "
		"do (redrive, park, discard)", text);
}

static int
read_limit(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	return want_int(p, y, 0, INT64_MAX, &r->limit, e);
}

static int
read_canary(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	return want_int(p, y, 1, INT32_MAX, &r->canary, e);
}

#define READ_TEXT(member)                                                     \
	static int read_##member(const struct parser *p, struct dlq_rule *r,   \
		const struct yaml *y, struct err *e)                           \
	{                                                                      \
		return want_text(p, y, &r->member, e);                         \
	}
READ_TEXT(to)
READ_TEXT(rate)
READ_TEXT(via)
READ_TEXT(note)

static const struct member members[] = {
	{ "name", read_name }, { "match", read_match }, { "do", read_do },
	{ "to", read_to }, { "rate", read_rate }, { "limit", read_limit },
	{ "canary", read_canary }, { "via", read_via }, { "note", read_note },
	{ 0 }
};

/* A member that its verb would not look at is a mistake. */
static int
check_members(const struct parser *p, const struct dlq_rule *r,
	const struct yaml *map, struct err *e)
{
	bool redrives = !strcmp(r->verb, "redrive");
	static const char *const both[] = { "name", "match", "do" };

	for (const struct yaml *y = map->first; y; y = y->next) {
		size_t i = 0;

		while (i < 3 && strcmp(both[i], y->name))
			i++;
		if (i == 3 && redrives == !strcmp(y->name, "note"))
			return yaml_fail(p->path, y->name_line, e, "'%s' is not "
				"for 'do: %s'", y->name, r->verb);
	}
	return 0;
}

static int
read_rule(const struct parser *p, struct dlq_rule *r, const struct yaml *y,
	struct err *e)
{
	const struct dlq_rule *first = p->rules->rules;

	if (read_members(p, r, y, "a rule", members, e))
		return -1;
	if (!r->name || !r->verb)
		return yaml_fail(p->path, y->line, e, "a rule wants '%s'",
			r->name ? "do" : "name");
	if (check_members(p, r, y, e))
		return -1;
	for (const struct dlq_rule *o = first; o < r; o++) {
		if (dlq_select_is_all(&o->select))
			return yaml_fail(p->path, y->line, e, "rule '%s' is never "
				"reached: '%s' matches everything", r->name, o->name);
		if (dlq_select_exclude(&r->select, &o->select, e))
			return err_wrap(e, "'%s' line %d", p->path, y->line);
	}
	return 0;
}

int
dlq_rules_parse(struct dlq_rules *r, const char *path, struct slice text,
	int64_t now_ms, struct err *e)
{
	const struct parser p = { r, path, now_ms };
	const struct yaml *root;

	if (yaml_read(&r->memory, path, text, &root, e))
		return -1;
	if (!root || root->kind != YAML_LIST || !root->n)
		return yaml_fail(path, root ? root->line : 1, e, "no rules: a list "
			"of them is wanted (- name: ..., see kc-dlq(1))");
	r->rules = arena_array(&r->memory, (size_t)root->n, sizeof(*r->rules));
	for (const struct yaml *y = root->first; y; y = y->next) {
		struct dlq_rule *rule = &r->rules[r->n++];

		rule->line = y->line;
		rule->limit = -1;
		if (read_rule(&p, rule, y, e))
			return -1;
	}
	return 0;
}

void
dlq_rules_release(struct dlq_rules *r)
{
	for (int i = 0; i < r->n; i++)
		dlq_select_release(&r->rules[i].select);
	arena_release(&r->memory);
	*r = (struct dlq_rules){ 0 };
}
