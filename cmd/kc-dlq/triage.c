/*
 * triage.c - dead letters decided by a person, group by group: the largest
 * first, with an example, and what can be done with one key.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/prompt.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "kafka/dlq_groups.h"
#include "kafka/dlq_show.h"
#include "verbs.h"

enum { CANARY = 5 };

struct triage {
	struct args *a;
	const char *topic;
	struct dlq_groups groups;
	int at;                 /* the group that is looked at */
	bool changed;           /* the groups are to be counted again */
};

/* ---- what there is ------------------------------------------------------------- */

static int
count_groups(struct triage *t, struct err *e)
{
	const struct dlq_select all = { 0 };

	dlq_groups_release(&t->groups);
	t->groups = (struct dlq_groups){ .by = DLQ_BY_GROUP };
	dlq_close(&t->a->dlq);
	t->changed = false;
	return open_dlq(t->a, t->topic, false, e) ||
		dlq_groups_scan(&t->a->dlq, &all, &t->groups, e) ? -1 : 0;
}

static void
put_fact(struct buf *b, const char *name, struct slice value)
{
	if (slice_is_null(value) || !value.len)
		return;
	buf_addf(b, "  %-8s ", name);
	term_escape(b, value);
	buf_addc(b, '\n');
}

static int
show_group(struct triage *t, struct err *e)
{
	const struct dlq_group *g = t->groups.list[t->at];
	struct buf *b = &t->a->out.buf;
	char first[NUM_TIME_TEXT], last[NUM_TIME_TEXT];

	buf_addf(b, "\ngroup %s, %d of %d: %" PRId64 " open\n", g->id, t->at + 1,
		t->groups.n, g->count);
	put_fact(b, "class", g->class);
	put_fact(b, "at", g->frame);
	put_fact(b, "message", g->message);
	put_fact(b, "note", g->note);
	if (g->first >= 0)
		buf_addf(b, "  %-8s %s to %s\n", "failed",
			num_time_text(g->first, first),
			num_time_text(g->last, last));
	buf_addf(b, "  %-8s %" PRId32 ":%" PRId64 "\n", "newest", g->partition,
		g->offset);
	return out_flush(&t->a->out, e);
}

/* ---- what can be done with it ---------------------------------------------------- */

/* The group, or its newest record, becomes the selection. */
static int
select_group(struct triage *t, bool only_newest, struct err *e)
{
	const struct dlq_group *g = t->groups.list[t->at];
	char term[64];

	dlq_select_release(&t->a->select);
	if (only_newest)
		snprintf(term, sizeof(term), "%" PRId32 ":%" PRId64,
			g->partition, g->offset);
	else
		snprintf(term, sizeof(term), "group=%s", g->id);
	return dlq_select_add(&t->a->select, term, t->a->now_ms, e);
}

static int
do_show(struct triage *t, struct err *e)
{
	struct args *a = t->a;
	struct dlq_options o = dlq_options(a, t->topic, false);
	struct dlq_list_options l = { .select = &a->select, .limit = -1,
		.redact = &a->redact };
	struct dlq_entries *entries;
	int result;

	if (select_group(t, true, e))
		return -1;
	entries = dlq_entries_new(&a->select);
	o.on_entry = dlq_entries_take;
	o.arg = entries;
	l.entries = entries;
	dlq_close(&a->dlq);
	result = dlq_open(&a->dlq, a->settings, &o, e) ||
		dlq_show(&a->dlq, &l, &a->out, e) ||
		out_flush(&a->out, e) ? -1 : 0;
	dlq_entries_free(entries);
	return result;
}

static int
do_one(struct triage *t, struct err *e)
{
	t->changed = true;
	return select_group(t, true, e) ||
		redrive_selected(t->a, t->topic, NULL, e) ? -1 : 0;
}

static int
do_canary(struct triage *t, struct err *e)
{
	int64_t was = t->a->canary;
	int result;

	t->changed = true;
	if (!was)
		t->a->canary = CANARY;
	result = select_group(t, false, e) ||
		redrive_selected(t->a, t->topic, NULL, e) ? -1 : 0;
	t->a->canary = was;
	return result;
}

static int
do_all(struct triage *t, struct err *e)
{
	t->changed = true;
	return select_group(t, false, e) ||
		redrive_selected(t->a, t->topic, NULL, e) ? -1 : 0;
}

/* What people answer to a question that they do not read to its end. */
static bool
is_no(const char *answer)
{
	return !answer || !strcasecmp(answer, "n") || !strcasecmp(answer, "no");
}

/* Why is asked; nothing said is no note. */
static int
do_mark(struct triage *t, const char *verb, const char *question, struct err *e)
{
	const char *was = t->a->note;
	char *why = NULL, text[128];
	int result;

	snprintf(text, sizeof(text), "%s all %" PRId64 ": %s", verb,
		t->groups.list[t->at]->count, question);
	if (prompt_line(text, &why, e))
		return -1;
	if (is_no(why)) {
		diag_note("nothing was done");
		free(why);
		return 0;
	}
	t->changed = true;
	t->a->note = *why ? why : was;
	result = select_group(t, false, e) ||
		mark_selected(t->a, t->topic, verb, e) ? -1 : 0;
	t->a->note = was;
	free(why);
	return result;
}

static int
do_discard(struct triage *t, struct err *e)
{
	return do_mark(t, "discard", "why? (a note, or nothing; n: do not) ", e);
}

static int
do_park(struct triage *t, struct err *e)
{
	return do_mark(t, "park", "why? (a note, or nothing; n: do not) ", e);
}

static int
do_note(struct triage *t, struct err *e)
{
	return do_mark(t, "note", "with? (n: do not) ", e);
}

static int
do_next(struct triage *t, struct err *e)
{
	(void)e;
	t->at = (t->at + 1) % t->groups.n;
	return 0;
}

static const struct action {
	const char *key, *help;
	int (*act)(struct triage *t, struct err *e);
} actions[] = {
	{ "s", "show the newest one whole", do_show },
	{ "r", "redrive the newest one", do_one },
	{ "c", "redrive a few, watch, then the others", do_canary },
	{ "a", "redrive all of the group", do_all },
	{ "d", "discard all of the group (kc-dlq restore takes that back)", do_discard },
	{ "p", "park all of the group", do_park },
	{ "n", "write a note to all of the group", do_note },
	{ "k", "keep it as it is, go to the next group", do_next },
	{ "q", "quit", NULL },
};
enum { ACTIONS = sizeof(actions) / sizeof(*actions) };

static int
tell_help(struct triage *t, struct err *e)
{
	for (int i = 0; i < ACTIONS; i++)
		buf_addf(&t->a->out.buf, "  %s  %s\n", actions[i].key,
			actions[i].help);
	return out_flush(&t->a->out, e);
}

/* What one answer asks for: 1 = to quit. */
static int
act(struct triage *t, const char *answer, struct err *e)
{
	int i = 0;

	while (i < ACTIONS && strcmp(actions[i].key, answer))
		i++;
	if (i == ACTIONS)
		return tell_help(t, e);
	if (!actions[i].act)
		return 1;
	if (!actions[i].act(t, e))
		return 0;
	/* one that failed is told, and does not end the whole */
	if (!e->code || sig_caught())
		return -1;
	diag_error("%s", e->msg);
	*e = (struct err)ERR_INIT;
	return 0;
}

static int
loop(struct triage *t, struct err *e)
{
	int result = 0;

	while (!result) {
		char *answer = NULL;

		if (t->changed && count_groups(t, e))
			return -1;
		if (!t->groups.n) {
			diag_note("nothing is open in '%s'", t->topic);
			return 0;
		}
		if (t->at >= t->groups.n)
			t->at = 0;
		if (show_group(t, e) || prompt_line("s)how r)edrive one c)anary "
		    "a)ll d)iscard p)ark n)ote k)eep q)uit ?)help: ",
		    &answer, e))
			return -1;
		result = answer ? act(t, answer, e) : 1;
		free(answer);
	}
	return result < 0 ? -1 : 0;
}

int
run_triage(void *args, int argc, char **argv, struct err *e)
{
	struct triage t = { .a = args, .changed = true };
	int result;

	if (want_dlq(argc, e))
		return -1;
	if (!term_is_tty(STDIN_FILENO) || !term_is_tty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "triage asks, and there is no "
			"terminal (kc-dlq groups %s lists what it is about)",
			argv[0]);
	t.topic = argv[0];
	result = read_redactions(t.a, argv[0], e) || loop(&t, e) ? -1 : 0;
	dlq_groups_release(&t.groups);
	return result;
}
