#include "cli/opt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/near.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/opt_table.h"

enum { GROUPS_MAX = 16 };

struct parser {
	const struct opt_program *program;
	const struct opt_command *command; /* once known */
	char *args;
	int argc, at;
	char **argv;
	bool help, version, dump;
	bool dry;                          /* only looking for the verb */
	bool failed;                       /* e is the first error */
	struct err *e;
	const struct opt *chosen[GROUPS_MAX]; /* the one given of each group */
	int chosen_n;
};

/* Keeps the first error; parsing goes on, because --help may follow. */
static void __attribute__((format(printf, 2, 3)))
fail(struct parser *ps, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (ps->failed || ps->dry)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(ps->e, ERR_USAGE, "%s", text);
	ps->failed = true;
}

/* ---- finding ---------------------------------------------------------------- */

static bool
is_usable(const struct parser *ps, const struct opt_row *r)
{
	return !r->command || r->command == ps->command;
}

/*
 * Finds an option by its letter, or by its name when that is 0; one that
 * only another verb has when there is no better.
 */
static bool
find_option(const struct parser *ps, char letter, struct slice name,
	struct opt_row *found)
{
	struct opt_walk w = { .program = ps->program };
	struct opt_row r;

	found->opt = NULL;
	while (opt_walk_next(&w, &r)) {
		if (letter ? r.opt->letter != letter :
		    !slice_eq_str(name, r.opt->name))
			continue;
		if (is_usable(ps, &r)) {
			*found = r;
			return true;
		}
		if (!found->opt)
			*found = r;
	}
	return found->opt != NULL;
}

static void
fail_unknown(struct parser *ps, struct slice name)
{
	struct opt_walk w = { .program = ps->program };
	struct near near = near_init(name);
	struct opt_row r;

	while (opt_walk_next(&w, &r))
		if (is_usable(ps, &r) && !r.opt->hidden)
			near_offer(&near, r.opt->name);
	if (near.name)
		fail(ps, "unknown option '--%.*s' (did you mean '--%s'? try: "
			"%s --help)", SLICE_ARG(name), near.name, ps->program->name);
	else
		fail(ps, "unknown option '--%.*s' (try: %s --help)",
			SLICE_ARG(name), ps->program->name);
}

/* ---- storing ---------------------------------------------------------------- */

/* Every list ever made hangs here: they live as long as the program. */
struct list_block {
	struct list_block *older;
	const char *items[];
};

static void
list_add(struct opt_list *l, const char *value, int cap)
{
	static struct list_block *blocks;

	/* There are never more values than arguments. */
	if (!l->items) {
		struct list_block *b = xmalloc(sizeof(*b) +
			(size_t)cap * sizeof(b->items[0]));

		b->older = blocks;
		blocks = b;
		l->items = b->items;
		l->n = 0;
	}
	l->items[l->n++] = value;
}

static void
store_int(struct parser *ps, const struct opt *o, const char *value, int64_t *out)
{
	bool open = !o->min && !o->max;
	int64_t max = open ? INT64_MAX : o->max;
	struct err e;

	if (!num_int(slice_str(value), o->min, max, out, &e))
		return;
	if (max == INT64_MAX)
		fail(ps, "option '--%s' wants a whole number from %" PRId64
			" on, not '%s'", o->name, o->min, value);
	else
		fail(ps, "option '--%s' wants a whole number from %" PRId64
			" to %" PRId64 ", not '%s'", o->name, o->min, max, value);
}

static void
store_choice(struct parser *ps, const struct opt *o, const char *value,
	const char **out)
{
	struct buf all = BUF_INIT;

	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(o->choices[i], value)) {
			*out = value;
			buf_release(&all);
			return;
		}
		buf_addf(&all, "%s%s", i ? ", " : "", o->choices[i]);
	}
	fail(ps, "option '--%s' wants one of %s, not '%s'", o->name,
		buf_cstr(&all), value);
	buf_release(&all);
}

/* Two options of one group, unless they are spellings of one value. */
static void
check_group(struct parser *ps, const struct opt *o)
{
	for (int i = 0; i < ps->chosen_n; i++) {
		const struct opt *other = ps->chosen[i];

		if (strcmp(other->group, o->group))
			continue;
		if (other != o && (other->at != o->at || other->type != o->type))
			fail(ps, "options '--%s' and '--%s' exclude each other "
				"(try: %s --help)", other->name, o->name,
				ps->program->name);
		return;
	}
	if (ps->chosen_n < GROUPS_MAX)
		ps->chosen[ps->chosen_n++] = o;
}

static void
store(struct parser *ps, const struct opt_row *r, const char *value)
{
	const struct opt *o = r->opt;
	void *to = ps->args + r->base + o->at;
	struct err e;

	if (o->group)
		check_group(ps, o);
	switch (o->type) {
	case OPT_FLAG:
		*(bool *)to = true;
		break;
	case OPT_COUNT:
		++*(int *)to;
		break;
	case OPT_STRING:
		*(const char **)to = value;
		break;
	case OPT_LIST:
		list_add(to, value, ps->argc);
		break;
	case OPT_INT:
		store_int(ps, o, value, to);
		break;
	case OPT_SIZE:
		if (num_size(slice_str(value), to, &e) < 0)
			fail(ps, "option '--%s': %s", o->name, e.msg);
		break;
	case OPT_DURATION:
		if (num_duration(slice_str(value), to, &e) < 0)
			fail(ps, "option '--%s': %s", o->name, e.msg);
		break;
	case OPT_CHOICE:
		store_choice(ps, o, value, to);
		break;
	case OPT_IGNORED:
		break;
	}
}

static void
take(struct parser *ps, const struct opt_row *r, const char *value)
{
	if (ps->dry)
		return;
	if (r->opt == &opt_builtin[0])
		ps->help = true;
	else if (r->opt == &opt_builtin[1])
		ps->version = true;
	else if (r->opt == &opt_builtin[2])
		ps->dump = true;
	else if (is_usable(ps, r))
		store(ps, r, value);
	else
		fail(ps, "option '--%s' belongs to '%s %s' (try: %s --help)",
			r->opt->name, ps->program->name, r->command->name,
			ps->program->name);
}

/* ---- reading argv ----------------------------------------------------------- */

/* value NULL = it is the next argument. */
static void
take_value(struct parser *ps, const struct opt_row *r, const char *value)
{
	if (value)
		take(ps, r, value);
	else if (ps->at < ps->argc)
		take(ps, r, ps->argv[ps->at++]);
	else
		fail(ps, "option '--%s' needs a value: %s (try: %s --help)",
			r->opt->name, r->opt->arg ? r->opt->arg : "VALUE",
			ps->program->name);
}

static void
read_long(struct parser *ps, const char *text)
{
	size_t n = strcspn(text, "=");
	const char *value = text[n] ? text + n + 1 : NULL;
	struct opt_row r;

	if (!find_option(ps, 0, slice_make(text, n), &r))
		fail_unknown(ps, slice_make(text, n));
	else if (opt_takes_value(r.opt))
		take_value(ps, &r, value);
	else if (value)
		fail(ps, "option '--%s' takes no value", r.opt->name);
	else
		take(ps, &r, NULL);
}

/* A cluster: flags, of which the last may take the rest as its value. */
static void
read_short(struct parser *ps, const char *text)
{
	for (; *text; text++) {
		struct opt_row r;

		if (!find_option(ps, *text, SLICE_NULL, &r)) {
			fail(ps, "unknown option '-%c' (try: %s --help)", *text,
				ps->program->name);
			return;
		}
		if (opt_takes_value(r.opt)) {
			take_value(ps, &r, text[1] ? text + 1 : NULL);
			return;
		}
		take(ps, &r, NULL);
	}
}

/*
 * Goes through argv and moves what is no option to its front; returns how
 * much that is. Dry, nothing is stored or moved, and the result is the place
 * of the first argument that is no option, or 0.
 */
static int
read_all(struct parser *ps, bool dry)
{
	bool only_arguments = false;
	int n = 0;

	ps->dry = dry;
	for (ps->at = 1; ps->at < ps->argc; ) {
		int here = ps->at++;
		char *text = ps->argv[here];

		if (only_arguments || text[0] != '-' || !text[1]) {
			if (dry)
				return here;
			ps->argv[n++] = text;
		} else if (!strcmp(text, "--")) {
			only_arguments = true;
		} else if (text[1] == '-') {
			read_long(ps, text + 2);
		} else {
			read_short(ps, text + 1);
		}
	}
	return n;
}

static const struct opt_command *
command_named(const struct opt_program *p, const char *word)
{
	for (const struct opt_command *c = p->commands; word && c->name; c++)
		if (!strcmp(c->name, word))
			return c;
	return NULL;
}

/* The first argument that is no option names the verb; returns it, or NULL. */
static const char *
find_command(struct parser *ps)
{
	int at = read_all(ps, true);
	const char *word = at ? ps->argv[at] : NULL;

	ps->command = command_named(ps->program, word);
	if (ps->command || (word && !ps->program->takes_names))
		return word;
	ps->command = command_named(ps->program, ps->program->default_command);
	return NULL;
}

static void
fail_command(struct parser *ps, const char *word)
{
	const char *program = ps->program->name;
	struct near near = near_init(slice_str(word));
	struct buf all = BUF_INIT;

	for (const struct opt_command *c = ps->program->commands; c->name; c++) {
		near_offer(&near, c->name);
		buf_addf(&all, "%s%s", all.len ? ", " : "", c->name);
	}
	if (near.name)
		fail(ps, "unknown command '%s' (did you mean '%s'? try: %s --help)",
			word, near.name, program);
	else
		fail(ps, "unknown command '%s' (there are %s; try: %s --help)",
			word, buf_cstr(&all), program);
	buf_release(&all);
}

static void
print_version(const struct opt_program *p)
{
	printf("%s %s", p->name, KC_VERSION);
	if (p->librdkafka)
		printf(" (librdkafka %s)", p->librdkafka());
	putchar('\n');
}

int
opt_parse(const struct opt_program *p, void *args, int *argc, char **argv,
	const struct opt_command **command, struct err *e)
{
	struct parser ps = {
		.program = p, .args = args, .argc = *argc, .argv = argv, .e = e,
	};
	const char *verb = NULL;
	int n;

	if (p->commands)
		verb = find_command(&ps);
	n = read_all(&ps, false);
	/* Last: a mistyped option's value is easily taken for a verb. */
	if (verb && !ps.command)
		fail_command(&ps, verb);
	if (ps.help)
		opt_print_help(p, verb ? ps.command : NULL);
	else if (ps.version)
		print_version(p);
	else if (ps.dump)
		opt_print_dump(p);
	if (ps.help || ps.version || ps.dump)
		exit(diag_finish(0, e));
	if (ps.failed)
		return -1;
	if (ps.command && verb)
		memmove(argv, argv + 1, (size_t)--n * sizeof(*argv));
	argv[n] = NULL;
	*argc = n;
	if (command)
		*command = ps.command;
	return 0;
}
