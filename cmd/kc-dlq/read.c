/*
 * The verbs of kc-dlq that only read: ls, groups, list, show, tail, export,
 * check. Their options, and the way from those to lib/kafka/dlq_*.c.
 */
#include "verbs.h"

#include <fnmatch.h>
#include <string.h>

#include "base/num.h"
#include "cli/diag.h"
#include "kafka/dlq_groups.h"
#include "kafka/dlq_list.h"
#include "kafka/dlq_locate.h"
#include "kafka/dlq_ls.h"
#include "kafka/dlq_show.h"

int
run_ls(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	const struct dlq_ls_options o = {
		.pattern = argc ? argv[0] : NULL, .all = a->all, .json = a->json,
		.sample = a->sample, .timeout_ms = a->timeout_ms,
		.now_ms = a->now_ms,
	};

	if (argc > 1)
		return err_set(e, ERR_USAGE, "one pattern only (kc-dlq ls '*.dlq')");
	if (argc && a->all)
		return err_set(e, ERR_USAGE, "--all and a pattern exclude each other");
	return dlq_ls(a->settings, &o, &a->out, e);
}

/* All of it is checked, also what is of other topics. */
static int
read_configured(struct args *a, const char *topic, struct err *e)
{
	const struct conf *k = a->settings;
	struct redact others = { 0 };
	int result = 0;

	for (int i = 0; i < k->redacts_n && !result; i++) {
		const struct conf_redact *x = &k->redacts[i];
		bool meant = !a->no_redact && !fnmatch(x->topics, topic, 0);

		result = redact_add(meant ? &a->redact : &others, x->paths, e);
		if (result)
			err_wrap(e, "'%s' line %d: redact '%s'", k->path, x->line,
				x->topics);
	}
	redact_release(&others);
	return result;
}

/* What is asked for, and what the configuration masks of this topic. */
int
read_redactions(struct args *a, const char *topic, struct err *e)
{
	for (int i = 0; i < a->redactions.n; i++)
		if (redact_add(&a->redact, a->redactions.items[i], e))
			return err_wrap(e, "--redact");
	return read_configured(a, topic, e);
}

/* Opens the topic of argv[0] with what is selected. */
static int
open_to_read(struct args *a, int argc, char **argv, struct err *e)
{
	return want_dlq(argc, e) || read_selection(a, argc - 1, argv + 1, e) ||
		read_redactions(a, argv[0], e) ||
		open_dlq(a, argv[0], false, e) ? -1 : 0;
}

int
run_groups(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct dlq_rules rules = { 0 };
	struct dlq_groups_options o = {
		.select = &a->select, .json = a->json, .redact = &a->redact,
		.by = a->by ? dlq_group_by(a->by) : DLQ_BY_GROUP,
	};
	int result;

	if (!a->rules != (o.by != DLQ_BY_RULE))
		return err_set(e, ERR_USAGE, "--by rule and --rules FILE go "
			"together");
	o.rules = a->rules ? &rules : NULL;
	result = (a->rules && read_rules(a, a->rules, &rules, e)) ||
		open_to_read(a, argc, argv, e) ||
		dlq_groups_print(&a->dlq, &o, &a->out, e) ? -1 : 0;
	dlq_rules_release(&rules);
	return result;
}

/* Runs one of the verbs that print records, and searches for origins before it. */
static int
run_listing(struct args *a, const struct dlq_entries *entries,
	int (*verb)(struct dlq *, const struct dlq_list_options *, struct out *,
	struct err *), struct err *e)
{
	struct dlq_list_options o = {
		.select = &a->select, .limit = a->limit, .json = a->json,
		.entries = entries, .redact = &a->redact,
		.json_values = a->json_values,
		.from_origin = a->payload && !strcmp(a->payload, "origin"),
	};
	struct dlq_locate_options l = { &a->select, a->locate, -1 };
	int result;

	if (a->locate_since && !a->locate)
		return err_set(e, ERR_USAGE, "--locate-since is for --locate");
	if (a->locate_since && num_time(slice_str(a->locate_since), a->now_ms,
	    &l.since_ms, e))
		return err_wrap(e, "--locate-since");
	result = (a->locate && dlq_locate(&a->dlq, &l, &o.located, e)) ||
		verb(&a->dlq, &o, &a->out, e) ? -1 : 0;
	dlq_located_free(o.located);
	return result;
}

#define RUN_LISTING(name)                                               \
	int run_##name(void *a, int argc, char **argv, struct err *e)   \
	{                                                               \
		return open_to_read(a, argc, argv, e) ? -1 :            \
			run_listing(a, NULL, dlq_##name, e);            \
	}
RUN_LISTING(list)
RUN_LISTING(tail)

/* Who finds out at the import may have no other copy by then. */
int
run_export(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (open_to_read(a, argc, argv, e))
		return -1;
	if (a->redact.n)
		diag_note("'%s' is masked, and import refuses what is masked "
			"(--no-redact, and without --redact: all of it)",
			a->redact.paths[0].text);
	return run_listing(a, NULL, dlq_export, e);
}

/* The ledger's entries of what is shown are kept while it is loaded. */
int
run_show(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct dlq_options o = dlq_options(a, argc ? argv[0] : NULL, false);
	struct dlq_entries *entries = NULL;
	int result = -1;

	if (want_dlq(argc, e) || read_selection(a, argc - 1, argv + 1, e) ||
	    read_redactions(a, argv[0], e))
		return -1;
	if (dlq_select_is_all(&a->select))
		return err_set(e, ERR_USAGE, "which record? (kc-dlq show %s 0:5; "
			"kc-dlq list %s shows them)", argv[0], argv[0]);
	if (!a->select.states)
		a->select.states = ~0u;
	o.on_entry = dlq_entries_take;
	o.arg = entries = dlq_entries_new(&a->select);
	result = dlq_open(&a->dlq, a->settings, &o, e) ? -1 :
		run_listing(a, entries, dlq_show, e);
	dlq_entries_free(entries);
	return result;
}

/* "10/h" or "10". */
static int
read_per_hour(const char *text, int64_t *out, struct err *e)
{
	size_t n = strlen(text);
	struct err why = ERR_INIT;

	*out = -1;
	if (n > 2 && !strcmp(text + n - 2, "/h"))
		n -= 2;
	return num_int(slice_make(text, n), 0, INT64_MAX, out, &why) ?
		err_set(e, ERR_USAGE, "--max-rate: '%s' is no rate (10/h)", text) : 0;
}

int
run_check(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct dlq_check_options o = {
		.select = &a->select, .max_open = a->max_open,
		.max_age_ms = a->max_age_ms, .max_rate = -1,
		.now_ms = a->now_ms, .json = a->json,
	};

	if (a->max_rate && read_per_hour(a->max_rate, &o.max_rate, e))
		return -1;
	/* Without any limit, none may be open. */
	if (o.max_open < 0 && o.max_age_ms < 0 && o.max_rate < 0)
		o.max_open = 0;
	return open_to_read(a, argc, argv, e) ? -1 :
		dlq_check(&a->dlq, &o, &a->out, e);
}

/* ---- the options ---------------------------------------------------------------- */

const struct opt ls_options[] = {
	{ 0, "all", OPT_FLAG, AT(all),
		.help = "look into topics whose name tells nothing, too" },
	{ 0, "sample", OPT_INT, AT(sample), "N", .min = 1, .max = INT64_MAX,
		.help = "read at most N open records of a topic (default: 10000)" },
	OPT_END
};

#define LOCATING                                                              \
	{ 0, "locate", OPT_STRING, AT(locate), "TOPIC",                        \
		.help = "search TOPIC for those that do not tell where they died" }, \
	{ 0, "locate-since", OPT_STRING, AT(locate_since), "TIME",             \
		.help = "from TIME on (default: a day before the oldest of them)" }

#define REDACTING                                                             \
	{ 0, "redact", OPT_LIST, AT(redactions), "PATH,...",                   \
		.help = "mask value, value.NAME, key, header.NAME, message" }, \
	{ 0, "no-redact", OPT_FLAG, AT(no_redact),                             \
		.help = "show what the configuration masks, too" }

const struct opt groups_options[] = {
	{ 0, "by", OPT_CHOICE, AT(by), "WHAT", .choices = dlq_group_names,
		.help = "count by group (default), class, origin, hour, ..." },
	{ 0, "rules", OPT_STRING, AT(rules), "FILE",
		.help = "the rules of --by rule, as for apply; -: stdin" },
	REDACTING,
	OPT_END
};

static const char *const payloads[] = { "dlq", "origin", NULL };

const struct opt list_options[] = {
	{ 0, "limit", OPT_INT, AT(limit), "N", .min = 0, .max = INT64_MAX,
		.help = "end after N records" },
	LOCATING,
	REDACTING,
	OPT_END
};

const struct opt tail_options[] = {
	{ 0, "limit", OPT_INT, AT(limit), "N", .min = 0, .max = INT64_MAX,
		.help = "end after N records" },
	REDACTING,
	OPT_END
};

#define SHOWING                                                               \
	{ 0, "limit", OPT_INT, AT(limit), "N", .min = 0, .max = INT64_MAX,     \
		.help = "end after N records" },                               \
	{ 0, "payload", OPT_CHOICE, AT(payload), "WHICH", .choices = payloads, \
		.help = "key and value as in the dlq (default), or read at the origin" }, \
	REDACTING,                                                             \
	LOCATING

const struct opt show_options[] = { SHOWING, OPT_END };

const struct opt export_options[] = {
	{ 'j', "json-values", OPT_FLAG, AT(json_values),
		.help = "values that are JSON as JSON, in the member json" },
	SHOWING,
	OPT_END
};

const struct opt check_options[] = {
	{ 0, "max-open", OPT_INT, AT(max_open), "N", .min = 0, .max = INT64_MAX,
		.help = "so many may be open (default: 0, without other limits)" },
	{ 0, "max-age", OPT_DURATION, AT(max_age_ms), "TIME",
		.help = "so long ago the oldest may have failed" },
	{ 0, "max-rate", OPT_STRING, AT(max_rate), "N/h",
		.help = "so many may have failed in the last hour" },
	OPT_END
};
