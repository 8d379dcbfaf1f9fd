/*
 * apply.c - kc-dlq apply: a file of rules, each a run of its own. What a rule
 * matches is not looked at by those behind it, whatever became of it.
 */
#include "changes.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "cli/diag.h"
#include "cli/in.h"
#include "cli/sig.h"

struct apply {
	struct args *a;
	const char *topic, *path;
	const char *run, *rate;  /* as the options say */
	struct dlq_rules rules;
	int bad;                 /* rules that were not wholly done */
	bool partial;            /* of these one did something */
};

int
read_rules(const struct args *a, const char *path, struct dlq_rules *rules,
	struct err *e)
{
	struct buf text = BUF_INIT;
	struct in in = { 0 };
	struct slice line;
	enum in_status s = IN_LINE;
	int result = -1;

	if (in_open(&in, path, e))
		return -1;
	while (s == IN_LINE && (s = in_next(&in, -1, &line, e)) == IN_LINE) {
		buf_addslice(&text, line);
		buf_addc(&text, '\n');
	}
	if (s == IN_TOO_LONG)
		err_set(e, ERR_USAGE, "'%s' line %" PRId64 " is too long",
			path, in.line);
	else if (s == IN_EOF)
		result = dlq_rules_parse(rules, path, buf_slice(&text),
			a->now_ms, e);
	in_close(&in);
	buf_release(&text);
	return result;
}

/* The options become those of the rule; its selection is borrowed. */
static void
use_rule(struct apply *x, const struct dlq_rule *r)
{
	struct args *a = x->a;

	a->select = r->select;
	a->rule = r->name;
	a->run_name = arena_printf(&x->rules.memory, "%s.%s", x->run, r->name);
	a->to = r->to;
	a->via = r->via;
	a->rate = r->rate ? r->rate : x->rate;
	a->limit = r->limit;
	a->canary = r->canary;
	a->note = r->note;
}

/* All of them, before anything is done. */
static int
check_rules(struct apply *x, struct err *e)
{
	for (int i = 0; i < x->rules.n; i++) {
		const struct dlq_rule *r = &x->rules.rules[i];

		use_rule(x, r);
		if (!strcmp(r->verb, "redrive") && check_redrive(x->a, e))
			return err_wrap(e, "'%s' line %d: rule '%s'", x->path,
				r->line, r->name);
		if (confirm(x->a, r->verb, x->topic, e))
			return err_wrap(e, "rule '%s'", r->name);
	}
	return 0;
}

static int
apply_rule(struct apply *x, const struct dlq_rule *r, struct err *e)
{
	use_rule(x, r);
	if (!(strcmp(r->verb, "redrive") ? mark_selected(x->a, x->topic, r->verb, e) :
	    redrive_selected(x->a, x->topic, NULL, e)))
		return 0;
	if (!e->code)
		return -1;
	err_wrap(e, "rule '%s'", r->name);
	if (e->code != ERR_PARTIAL && e->code != ERR_FAILED)
		return -1;
	x->bad++;
	x->partial |= e->code == ERR_PARTIAL;
	if (x->rules.n == 1)
		return -1;
	/* the others do not depend on it */
	diag_error("%s", e->msg);
	*e = (struct err)ERR_INIT;
	return 0;
}

struct rest {
	const struct dlq_select *select;
	int64_t n;
};

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *r, struct err *e)
{
	struct rest *rest = arg;

	(void)e;
	rest->n += dlq_select_matches(rest->select, r);
	return DLQ_SCAN_ON;
}

/* What is open and no rule is about. */
static int
tell_rest(struct apply *x, struct err *e)
{
	struct args *a = x->a;
	struct dlq_select select = { 0 };
	struct rest rest = { &select, 0 };
	const struct dlq_scan s = { .select = &select, .record = on_record,
		.arg = &rest };
	int result = 0;

	for (int i = 0; i < x->rules.n && !result; i++) {
		if (dlq_select_is_all(&x->rules.rules[i].select))
			goto out;
		result = dlq_select_exclude(&select, &x->rules.rules[i].select, e);
	}
	dlq_close(&a->dlq);
	if (!result)
		result = open_dlq(a, x->topic, false, e) ||
			dlq_scan(&a->dlq, &s, e) ? -1 : 0;
	if (!result && rest.n)
		diag_note("%" PRId64 " match no rule and stay open", rest.n);
out:
	dlq_select_release(&select);
	return result;
}

static int
apply_all(struct apply *x, struct err *e)
{
	int n = x->rules.n;

	for (int i = 0; i < n; i++) {
		if (sig_caught())
			return -1;
		if (!apply_rule(x, &x->rules.rules[i], e))
			continue;
		if (e->code && i + 1 < n)
			diag_note("the rules behind '%s' were not applied",
				x->rules.rules[i].name);
		return -1;
	}
	if (tell_rest(x, e))
		return -1;
	return !x->bad ? 0 : err_set(e, x->partial || x->bad < n ? ERR_PARTIAL :
		ERR_FAILED, "%d of %d rules were not done with all that they "
		"match", x->bad, n);
}

int
run_apply(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct apply x = { .a = a, .path = a->rules, .rate = a->rate };
	int result = -1;

	if (want_dlq(argc, e) || read_selection(a, argc - 1, argv + 1, e) ||
	    (a->run_name && check_run_name(a->run_name, e)))
		return -1;
	if (a->select.n)
		return err_set(e, ERR_USAGE, "the rules select, and nothing else "
			"does (kc-dlq redrive has options that select)");
	if (!x.path)
		return err_set(e, ERR_USAGE, "which rules? (kc-dlq apply %s "
			"--rules FILE)", argv[0]);
	x.topic = argv[0];
	if (!read_rules(a, x.path, &x.rules, e)) {
		x.run = a->run_name ? a->run_name :
			make_run_name(a, &x.rules.memory);
		result = check_rules(&x, e) || apply_all(&x, e) ? -1 : 0;
	}
	dlq_close(&a->dlq);
	a->select = (struct dlq_select){ 0 };
	dlq_rules_release(&x.rules);
	return result;
}

const struct opt apply_options[] = {
	{ 0, "rules", OPT_STRING, AT(rules), "FILE",
		.help = "YAML: the first rule that matches a record says what to do; -: stdin" },
	{ 0, "rate", OPT_STRING, AT(rate), "N/s",
		.help = "of rules without a rate (default: 1000/s)" },
	{ 0, "watch", OPT_DURATION, AT(watch_ms), "TIME",
		.help = "how long to look for returns (default with a canary: 30s)" },
	{ 0, "abort-if-returned", OPT_STRING, AT(abort_if_returned), "PERCENT",
		.help = "more than these came back: stop (default: 0%)" },
	{ 0, "max-redrives", OPT_INT, AT(max_redrives), "N", .min = 1, .max = 1000000,
		.help = "park what was redriven so often (default: 3)" },
	MUTATING,
	OPT_END
};
