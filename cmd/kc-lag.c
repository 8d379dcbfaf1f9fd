/*
 * kc-lag - how far consumer groups are behind, by how much and since when.
 *
 * Measuring is kafka/lag_measure, the arithmetic model/lag, the verdicts
 * model/lag_status; this file is options and wiring. A snapshot goes to
 * stdout as a table on a terminal, and as JSON lines in a pipe.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/file.h"
#include "cli/json.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kafka/group_ops.h"
#include "kafka/groups.h"
#include "kafka/lag_age.h"
#include "kafka/lag_check.h"
#include "kafka/lag_measure.h"
#include "kafka/lag_print.h"
#include "kafka/lag_risk.h"
#include "kafka/lag_serve.h"
#include "kafka/lag_state.h"
#include "kafka/lag_watch.h"
#include "model/lag_nagios.h"
#include "model/lag_status.h"

enum { AGAIN_TIMEOUT_MS = 5000, FRESH_MS = 5000, AGE_BUDGET_MS = 5000,
	AGE_POSITIONS = 1000 };

struct args {
	struct conf_args conf;

	/* show */
	struct opt_list groups, topics;
	const char *isolation, *columns, *by, *age, *warn, *critical;
	int64_t age_budget_ms, since_ms; /* since_ms: -1 = not asked */
	bool json, summary, all, burrow, risk, nagios, no_state;
	struct lag_rules rules;
	struct lag_check check;
	struct lag_state state;       /* what earlier runs saw */

	/* show, again and again, or for Prometheus */
	const char *prom, *prom_style, *cluster_name, *serve;
	int64_t watch_ms, fresh_ms;   /* watch_ms: -1 = once */
	bool no_members, no_partitions;

	const char *states;           /* list */
	struct group_options group;

	/* what the verbs work with */
	struct conf settings;
	struct client *client;
	struct out out;
	int timeout_ms;
	struct lag_measure_options measuring;
	bool met;             /* a broker has answered once */
};

/* Opens the handle that a verb works with, and waits for a broker. */
static int
open_client(struct args *a, bool committed_only, struct err *e)
{
	return lag_open(&a->client, &a->settings, committed_only, e) ||
		client_wait(a->client, a->timeout_ms, e) ? -1 : 0;
}

/* ---- show ----------------------------------------------------------------------- */

/* Names of -g and of the arguments, in one list. */
static const char **
list_names(const struct args *a, int argc, char **argv, int *n)
{
	const char **names = xcalloc((size_t)(a->groups.n + argc), sizeof(*names));

	*n = 0;
	for (int i = 0; i < a->groups.n; i++)
		names[(*n)++] = a->groups.items[i];
	for (int i = 0; i < argc; i++)
		names[(*n)++] = argv[i];
	return names;
}

static void
note_left_out(const struct lag_snapshot *s, int rows_max)
{
	int64_t lag = 0;
	enum lag_status worst = LAG_OK;

	if (rows_max < 0 || s->groups_n <= rows_max)
		return;
	for (int i = rows_max; i < s->groups_n; i++) {
		lag += s->groups[i].lag > 0 ? s->groups[i].lag : 0;
		if (s->groups[i].status > worst)
			worst = s->groups[i].status;
	}
	diag_note("%d more groups: lag %" PRId64 ", %s at worst (-a shows all)",
		s->groups_n - rows_max, lag, lag_status_name(worst));
}

/* On a terminal the worst groups, as many as fit it. */
static int
print_groups(struct args *a, const struct lag_snapshot *s, struct err *e)
{
	int rows = a->all ? -1 : term_height(a->out.fd) - 3;

	rows = rows < 5 && rows >= 0 ? 5 : rows;
	if (lag_print_groups(&a->out, s, rows, e))
		return -1;
	note_left_out(s, rows);
	return 0;
}

static int
print_by(struct args *a, const struct lag_snapshot *s, bool json, struct err *e)
{
	struct lag_totals t;
	int ret;

	lag_totals_init(&t, s, lag_by_parse(a->by));
	ret = json ? lag_print_totals_json(&a->out, &t, s->partial, e) :
		lag_print_totals(&a->out, &t, e);
	lag_totals_release(&t);
	return ret;
}

/* None of the groups named is there: lag_check_complete() says so. */
static bool
is_empty(const struct lag_snapshot *s, bool named)
{
	int i = 0;

	while (i < s->groups_n && s->groups[i].reason == LAG_GROUP_GONE)
		i++;
	return named && i == s->groups_n;
}

static int
print_snapshot(struct args *a, struct lag_snapshot *s, bool named, struct err *e)
{
	bool json = a->json || !term_is_tty(a->out.fd);

	if (a->burrow)
		return lag_print_burrow(&a->out, s, &a->state.histories, e);
	if (is_empty(s, named))
		return 0;
	if (a->since_ms >= 0)
		return lag_print_since(&a->out, s, &a->state.histories,
			a->since_ms, json, e);
	if (a->columns)
		return lag_print_kafka(&a->out, s, e);
	if (!named)
		lag_sort(s);
	if (a->by)
		return print_by(a, s, json, e);
	if (json)
		return a->summary ? lag_print_summary(&a->out, s, e) :
			lag_print_json(&a->out, s, e);
	if (a->summary || !named)
		return print_groups(a, s, e);
	return lag_print_partitions(&a->out, s, e);
}

/* Asked for, or cheap: what a few reads answer. */
static void
measure_age(struct args *a, struct lag_snapshot *s, int64_t deadline_ms)
{
	int64_t budget = clock_mono_ms(clock_system()) + a->age_budget_ms;
	struct lag_age_options o = {
		.mode = lag_age_parse(a->age ? a->age : "auto"),
		.deadline_ms = budget < deadline_ms ? budget : deadline_ms
	};

	o.positions_max = o.mode != LAG_AGE_AUTO ||
		a->risk || lag_check_needs_age(&a->check) ? -1 : AGE_POSITIONS;
	if (!a->columns && !a->burrow && a->since_ms < 0)
		lag_age(a->client, s, &o);
}

/* Measures once: for show, and for all that measure again and again. */
static int
measure(void *args, struct lag_snapshot *s, struct err *e)
{
	struct args *a = args;
	struct lag_measure_options o = a->measuring;

	if (!a->client && lag_open(&a->client, &a->settings, o.committed_only, e))
		return -1;
	if (!a->met && client_wait(a->client, a->timeout_ms, e))
		return -1;
	a->met = true;
	o.deadline_ms = clock_mono_ms(clock_system()) + a->timeout_ms;
	if (lag_measure(a->client, &o, s, e))
		return -1;
	measure_age(a, s, o.deadline_ms);
	if ((a->watch_ms >= 0 || a->serve) && lag_is_worn(s)) {
		client_close(a->client);
		a->client = NULL;
		a->met = false;
	}
	lag_state_judge(&a->state, s, &a->rules, o.names_n || o.topics_n,
		!a->no_state);
	return 0;
}

static int
show_once(struct args *a, struct err *e)
{
	bool named = a->measuring.names_n > 0;
	struct lag_snapshot s = { 0 };
	int ret = -1;

	if (!measure(a, &s, e) && !print_snapshot(a, &s, named, e))
		ret = lag_check(&a->check, &s, named, e);
	lag_snapshot_release(&s);
	return ret;
}

/* A plugin's answer is its exit status: nothing else is told. */
static int
plugin_status(enum lag_nagios state, struct err *e)
{
	static const enum err_code codes[] = { [NAGIOS_OK] = ERR_NONE,
		[NAGIOS_WARNING] = ERR_FAILED, [NAGIOS_CRITICAL] = ERR_USAGE,
		[NAGIOS_UNKNOWN] = ERR_NO };

	*e = (struct err){ .code = codes[state] };
	return state == NAGIOS_OK ? 0 : -1;
}

/* Whatever goes wrong is a line on stdout, and UNKNOWN. */
static int
show_nagios(struct args *a, struct err *e)
{
	const struct lag_nagios_limits limits = { &a->check.limits[LAG_CRITICAL],
		&a->check.limits[LAG_WARNING] };
	enum lag_nagios state = NAGIOS_UNKNOWN;
	struct lag_snapshot s = { 0 };

	if (!measure(a, &s, e))
		state = lag_nagios_write(&a->out.buf, &s, &limits);
	else if (e->code)
		lag_nagios_unknown(&a->out.buf, e->msg);
	lag_snapshot_release(&s);
	return e->code || !sig_caught() ? plugin_status(state, e) : -1;
}

/* What may be gone soon; topics whose retention is not known are told. */
static int
show_risk(struct args *a, struct err *e)
{
	bool named = a->measuring.names_n > 0;
	int64_t deadline = clock_mono_ms(clock_system()) + a->timeout_ms;
	struct lag_snapshot s = { 0 };
	int ret = -1;

	if (!measure(a, &s, e)) {
		ret = lag_risk_measure(a->client, &s, deadline, e);
		if (!is_empty(&s, named) && lag_risk_print(&a->out, &s, a->json ||
		    !term_is_tty(a->out.fd), e))
			ret = -1;
		else if (!ret)
			ret = lag_check(&a->check, &s, named, e);
	}
	lag_snapshot_release(&s);
	return ret;
}

/* ---- Prometheus ------------------------------------------------------------------- */

static int
prom_options(const struct args *a, struct lag_prom_options *o, struct err *e)
{
	*o = (struct lag_prom_options){ .cluster = a->cluster_name,
		.without_members = a->no_members,
		.without_partitions = a->no_partitions };
	return lag_prom_styles(slice_str(a->prom_style ? a->prom_style : "kc,kle"),
		&o->styles, e) ? err_wrap(e, "--prom-style") : 0;
}

/* To a file that is whole at any moment, or stdout. */
static int
write_prom(struct args *a, struct err *e)
{
	int64_t start = clock_mono_ms(clock_system());
	struct lag_snapshot s = { 0 };
	struct lag_prom_options o;
	struct buf text = BUF_INIT;
	int ret = -1;

	if (prom_options(a, &o, e) || measure(a, &s, e))
		goto out;
	o.took_ms = clock_mono_ms(clock_system()) - start;
	lag_prom_write(&text, &s, &o);
	if (!strcmp(a->prom, "-"))
		buf_addslice(&a->out.buf, buf_slice(&text));
	else if (file_replace(a->prom, buf_slice(&text), e))
		goto out;
	ret = lag_check_complete(&s, a->measuring.names_n > 0, e);
out:
	buf_release(&text);
	lag_snapshot_release(&s);
	return ret;
}

static int
serve_prom(struct args *a, struct err *e)
{
	struct lag_serve_options o = { .measure = measure, .arg = a,
		.where = a->serve, .fresh_ms = a->fresh_ms };

	return prom_options(a, &o.prom, e) ? -1 : lag_serve(&o, e);
}

static int
watch(struct args *a, struct err *e)
{
	struct lag_watch_options o = { .measure = measure, .arg = a,
		.every_ms = a->watch_ms, .color = a->out.color };

	return lag_watch(&o, e);
}

/* ---- show: what of it ---------------------------------------------------------- */

static int
check_show(const struct args *a, struct err *e)
{
	bool prom = a->prom || a->serve;

	if (!prom && (a->prom_style || a->cluster_name || a->no_members ||
	    a->no_partitions))
		return err_set(e, ERR_USAGE, "--prom-style, --cluster-name, "
			"--no-members and --no-partitions are for --prom and --serve");
	if (a->watch_ms >= 0 && a->watch_ms < 100)
		return err_set(e, ERR_USAGE, "--watch every %lld ms is too often "
			"(at least 100ms)", (long long)a->watch_ms);
	if (a->watch_ms >= 0 && a->json)
		return err_set(e, ERR_USAGE, "--watch is a screen, --json is not "
			"(a loop around kc-lag gives lines again and again)");
	if (a->watch_ms >= 0 && !(term_is_tty(STDIN_FILENO) &&
	    term_is_tty(STDOUT_FILENO)))
		return err_set(e, ERR_USAGE, "--watch needs a terminal on stdin and "
			"stdout (a loop around kc-lag gives lines again and again)");
	return 0;
}

static int
run_show(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct lag_measure_options *o = &a->measuring;
	const char **names = list_names(a, argc, argv, &o->names_n);
	int ret = -1;

	o->names = names;
	o->topics = a->topics.items;
	o->topics_n = a->topics.n;
	o->counts_unassigned = a->all;
	o->committed_only = a->isolation && !strcmp(a->isolation, "committed");
	o->with_stable = a->isolation && !strcmp(a->isolation, "both");
	o->with_policies = !a->columns && !a->burrow && a->since_ms < 0 &&
		!a->prom && !a->serve && a->watch_ms < 0;
	o->with_instances = o->names_n > 0 ||
		(a->by && lag_by_parse(a->by) == LAG_BY_INSTANCE);
	/* What goes on for ever tries again soon. */
	if ((a->watch_ms >= 0 || a->serve) && a->conf.timeout_ms < 0)
		a->timeout_ms = AGAIN_TIMEOUT_MS;
	if (lag_check_init(&a->check, a->critical, a->warn, e) ||
	    check_show(a, e) || lag_open(&a->client, &a->settings,
	    o->committed_only, e))
		goto out;
	if (a->watch_ms >= 0)
		ret = watch(a, e);
	else if (a->serve)
		ret = serve_prom(a, e);
	else
		ret = a->prom ? write_prom(a, e) :
			a->nagios ? show_nagios(a, e) :
			a->risk ? show_risk(a, e) : show_once(a, e);
out:
	lag_state_close(&a->state);
	free(names);
	return ret;
}

/* ---- list ----------------------------------------------------------------------- */

static void
list_json(struct args *a, const struct group *g)
{
	struct json *j = json_object();

	json_add_str(j, "group", g->name);
	if (*g->state)
		json_add_str(j, "state", g->state);
	if (*g->protocol)
		json_add_str(j, "protocol", g->protocol);
	if (g->members_n >= 0)
		json_add_int(j, "members", g->members_n);
	json_add_str(j, "coordinator", g->coordinator);
	json_print(&a->out.buf, j);
	json_free(j);
}

static void
list_row(struct out_table *t, const struct group *g)
{
	out_table_cell(t, "%s", g->name);
	out_table_cell(t, "%s", *g->state ? g->state : "-");
	out_table_cell(t, "%s", *g->protocol ? g->protocol : "-");
	if (g->members_n < 0)
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%d", g->members_n);
	out_table_cell(t, "%s", g->coordinator);
}

/* "empty,stable"; case does not matter. */
static bool
has_state(const char *states, const char *state)
{
	size_t n;

	for (const char *p = states; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == strlen(state) && !strncasecmp(p, state, n))
			return true;
	}
	return false;
}

static int
run_list(void *args, int argc, char **argv, struct err *e)
{
	static const char *const columns[] = { "GROUP", "STATE", "PROTOCOL",
		"MEMBERS", "COORDINATOR" };
	struct args *a = args;
	struct groups groups = { 0 };
	struct out_table *table;
	int ret = 0;

	(void)argv;
	if (argc)
		return err_set(e, ERR_USAGE, "list takes no arguments "
			"(kc-lag '^regex' shows the lag of some groups)");
	if (open_client(a, false, e) ||
	    groups_list(a->client, a->timeout_ms, &groups, e))
		return -1;
	table = out_table_new(columns, 5);
	out_table_right(table, 3);
	for (int i = 0; i < groups.n; i++)
		if (a->states && !has_state(a->states, groups.items[i].state))
			continue;
		else if (a->json)
			list_json(a, &groups.items[i]);
		else
			list_row(table, &groups.items[i]);
	if (!a->json)
		ret = out_table_print(table, &a->out, term_is_tty(a->out.fd), e);
	if (!ret && groups.partial)
		ret = err_set(e, ERR_NO, "partial: not every broker listed its "
			"groups in time (raise --timeout)");
	out_table_free(table);
	groups_release(&groups);
	return ret;
}

/* ---- groups changed, and looked at ------------------------------------------------ */

static int
open_group_client(struct group_ops *ops, struct err *e)
{
	struct args *a = ops->user;

	if (open_client(a, false, e))
		return -1;
	ops->client = a->client;
	return 0;
}

static int
run_group(struct args *a, int (*verb)(struct group_ops *, int, char **, struct err *),
	int argc, char **argv, struct err *e)
{
	struct group_ops ops = { .o = &a->group, .conf = &a->settings,
		.out = &a->out, .timeout_ms = a->timeout_ms,
		.wait_ms = a->conf.timeout_ms < 0 ? a->timeout_ms : a->conf.timeout_ms,
		.json = a->json || !term_is_tty(a->out.fd),
		.open = open_group_client, .user = a };

	return verb(&ops, argc, argv, e);
}

#define GROUP_VERB(name)                                                    \
static int                                                                  \
run_##name(void *args, int argc, char **argv, struct err *e)                \
{                                                                           \
	return run_group(args, group_##name, argc, argv, e);                \
}
GROUP_VERB(reset)
GROUP_VERB(import)
GROUP_VERB(export)
GROUP_VERB(delete)
GROUP_VERB(members)
GROUP_VERB(peek)
GROUP_VERB(wait)

/* ---- the options ------------------------------------------------------------------- */

#define AT(member) offsetof(struct args, member)

static const char *const isolations[] = { "uncommitted", "committed", "both",
	NULL };
static const char *const column_sets[] = { "kafka", NULL };

static const struct opt options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "JSON lines, on a terminal too" },
	OPT_END
};

static const struct opt show_options[] = {
	{ 'g', "group", OPT_LIST, AT(groups), "GROUP",
		.help = "as an argument: a group, or ^REGEX; may be repeated" },
	{ 't', "topic", OPT_LIST, AT(topics), "TOPIC",
		.help = "only partitions of this topic; may be repeated" },
	{ 0, "summary", OPT_FLAG, AT(summary), .help = "a row a group, not a partition",
		.group = "form" },
	{ 0, "by", OPT_CHOICE, AT(by), "WHAT", .choices = lag_by_names,
		.help = "totals by member, client, instance, host, or topic",
		.group = "form" },
	{ 0, "columns", OPT_CHOICE, AT(columns), "kafka", .choices = column_sets,
		.help = "the table of kafka-consumer-groups --describe",
		.group = "form" },
	{ 0, "isolation", OPT_CHOICE, AT(isolation), "LEVEL", .choices = isolations,
		.help = "where logs end: for readers of uncommitted (default) or committed "
		"records, or both side by side" },
	{ 'W', "watch", OPT_DURATION, AT(watch_ms), "TIME", .group = "form",
		.help = "a screen that measures again and again: -W 2s" },
	{ 0, "prom", OPT_STRING, AT(prom), "FILE", .group = "form",
		.help = "write Prometheus text to FILE, whole at any moment; - is stdout" },
	{ 0, "serve", OPT_STRING, AT(serve), "[ADDR:]PORT", .group = "form",
		.help = "serve /metrics, measured when it is asked for, and /healthz" },
	{ 0, "prom-style", OPT_STRING, AT(prom_style), "LIST",
		.help = "names of series: kc,kle (default), kafka_exporter, kminion, burrow" },
	{ 0, "cluster-name", OPT_STRING, AT(cluster_name), "NAME",
		.help = "label of the cluster, instead of its id" },
	{ 0, "no-members", OPT_FLAG, AT(no_members),
		.help = "no labels of members: fewer series when they come and go" },
	{ 0, "no-partitions", OPT_FLAG, AT(no_partitions),
		.help = "series of groups and topics only" },
	{ 0, "fresh", OPT_DURATION, AT(fresh_ms), "TIME",
		.help = "with --serve: serve a result again that is younger (default: 5s)" },
	{ 0, "age", OPT_CHOICE, AT(age), "HOW", .choices = lag_age_modes,
		.help = "by reading the oldest unread record, by search, or off; auto "
		"reads where it may, of at most 1000 places" },
	{ 0, "age-budget", OPT_DURATION, AT(age_budget_ms), "TIME",
		.help = "how long that may take (5s)" },
	{ 0, "warn", OPT_STRING, AT(warn), "LIMIT,...",
		.help = "exit 3 when a group is over one: lag=N, lost=N, ahead=N, "
		"unread=N, age=TIME, eta=TIME, status=NAME" },
	{ 0, "nagios", OPT_FLAG, AT(nagios), .group = "form",
		.help = "a monitoring plugin: one line with performance data, and its exit status" },
	{ 0, "critical", OPT_STRING, AT(critical), "LIMIT,...",
		.help = "the same, told as critical" },
	{ 0, "since", OPT_DURATION, AT(since_ms), "TIME", .group = "form",
		.help = "what moved since a run that long ago, the most first" },
	{ 0, "risk", OPT_FLAG, AT(risk), .group = "form",
		.help = "unread records that retention deletes soonest" },
	{ 0, "burrow-status", OPT_FLAG, AT(burrow), .group = "form",
		.help = "verdicts as Burrow's /v3/.../status has them" },
	{ 0, "window", OPT_DURATION, AT(rules.window_ms), "TIME",
		.help = "how long to watch before a verdict (30s)" },
	{ 0, "min-lag", OPT_INT, AT(rules.min_lag), "N",
		.help = "lag up to this is OK (0)" },
	{ 0, "no-state", OPT_FLAG, AT(no_state),
		.help = "neither use nor keep what runs before have seen" },
	{ 'a', "all", OPT_FLAG, AT(all), .help = "all groups, however many lines; "
		"topics nobody subscribes to count" },
	OPT_END
};

#define OPT_EXECUTE \
	{ 0, "execute", OPT_FLAG, AT(group.execute), .group = "execute", \
		.help = "do it; without, the plan is only shown" }, \
	{ 'n', "dry-run", OPT_FLAG, AT(group.dry_run), .group = "execute", \
		.help = "only show the plan, as without --execute" }, \
	{ 0, "clamp", OPT_FLAG, AT(group.clamp), \
		.help = "offsets out of the log become its nearest end" }, \
	{ 0, "plan", OPT_STRING, AT(group.plan), "FILE", \
		.help = "write the plan there, for --from" }
#define OPT_UNDO { 0, "undo", OPT_STRING, AT(group.undo), "FILE", \
		.help = "write the way back there, a new file, before anything is done" }

static const struct opt list_options[] = {
	{ 0, "state", OPT_STRING, AT(states), "STATE,...",
		.help = "only groups in these states: empty, stable, ..." },
	OPT_END
};

static const struct opt reset_options[] = {
	{ 0, "to", OPT_STRING, AT(group.to), "TARGET", .group = "target",
		.help = "earliest, latest, current, OFFSET, +N, -N, TIME, -2h, "
		"group:NAME, start-if-lost" },
	{ 0, "from", OPT_STRING, AT(group.from), "FILE", .group = "target",
		.help = "offsets of a plan, an undo, an export, or Kafka's CSV; - is stdin" },
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC[:P,...]",
		.help = "only these partitions (default: all that are committed)" },
	OPT_EXECUTE, OPT_UNDO, OPT_END
};

static const struct opt import_options[] = {
	{ 'g', "group", OPT_STRING, AT(group.group), "GROUP",
		.help = "the group, instead of the one in the file" },
	OPT_EXECUTE, OPT_UNDO, OPT_END
};

static const struct opt export_options[] = {
	{ 0, "csv", OPT_FLAG, AT(group.csv),
		.help = "[GROUP,]TOPIC,PARTITION,OFFSET as kafka-consumer-groups has it" },
	OPT_END
};

static const struct opt delete_options[] = {
	{ 0, "offsets-of", OPT_LIST, AT(group.offsets_of), "TOPIC[:P,...]",
		.help = "only what is committed there, not the group" },
	{ 'y', "yes", OPT_FLAG, AT(group.yes), .help = "do not ask" },
	{ 'n', "dry-run", OPT_FLAG, AT(group.dry_run), .help = "only say what would go" },
	OPT_UNDO, OPT_END
};

static const struct opt peek_options[] = {
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC[:P,...]",
		.help = "only these partitions" },
	{ 'c', "count", OPT_INT, AT(group.count), "N", .min = 1, .max = INT64_MAX,
		.help = "as many records of each partition (1)" },
	{ 'j', "json-values", OPT_FLAG, AT(group.json_values),
		.help = "values that are JSON as JSON, in the member json" },
	OPT_END
};

static const struct opt wait_options[] = {
	{ 0, "lag", OPT_INT, AT(group.lag), "N",
		.help = "until no group has more than N records to read (0)" },
	{ 't', "topic", OPT_LIST, AT(group.topics), "TOPIC",
		.help = "only of this topic; may be repeated" },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "show", "[GROUP|^REGEX]...", "lag of all groups, or of those (the default verb)",
		show_options, run_show },
	{ "list", "", "groups with state, protocol, members; no offsets",
		list_options, run_list },
	{ "members", "[GROUP|^REGEX]...", "who is in a group, and what each has",
		NULL, run_members },
	{ "reset", "GROUP...", "plan where groups go on reading, and have them do it",
		reset_options, run_reset },
	{ "export", "[GROUP|^REGEX]...", "committed offsets as lines", export_options,
		run_export },
	{ "import", "FILE", "plan to set exported offsets, and set them",
		import_options, run_import },
	{ "delete", "GROUP...", "delete groups, or their offsets of a topic",
		delete_options, run_delete },
	{ "peek", "GROUP", "the records that a group reads next", peek_options, run_peek },
	{ "wait", "GROUP...", "wait until groups have read all that is there",
		wait_options, run_wait },
	{ 0 }
};

static const char *const usage[] = {
	"[show] [-a] [-t TOPIC] [-W TIME] [GROUP|^REGEX]...",
	"list [--state STATE,...]",
	"members [GROUP|^REGEX]...",
	"reset GROUP... --to TARGET [-t TOPIC[:P,...]] [--execute]",
	"reset --from FILE [--execute]",
	"export [--csv] [GROUP|^REGEX]...",
	"import [-g GROUP] FILE [--execute]",
	"delete [-y] [--offsets-of TOPIC] GROUP...",
	"peek [-c N] GROUP",
	"wait [--lag N] GROUP...",
	NULL
};

static const char *const examples[] = {
	"kc-lag",
	"kc-lag billing",
	"kc-lag '^team-a-' --summary --json | jq 'select(.lag > 1000)'",
	"kc-lag billing --by host",
	"kc-lag --watch 2s",
	NULL
};

static const struct opt_program program = {
	.name = "kc-lag",
	.summary = "Says how far consumer groups are behind, and since when.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "show",
	.takes_names = true, .examples = examples,
	.section = 1, .librdkafka = client_library_version,
};

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	int ret;

	ret = client_load(&a->settings, &a->conf, CLIENT_CONSUMER, e);
	if (ret)
		goto out;
	a->timeout_ms = conf_timeout(&a->conf, CONF_AN_HOUR);
	out_init(&a->out, STDOUT_FILENO);
	a->out.color = term_color(STDOUT_FILENO, a->conf.color);
	ret = verb->run(a, argc, argv, e);
	if (out_close(&a->out, ret ? &(struct err)ERR_INIT : e))
		ret = -1;
out:
	client_close(a->client);
	conf_release(&a->settings);
	return ret < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .watch_ms = -1,
		.fresh_ms = FRESH_MS, .group.count = 1,
		.rules = LAG_RULES_DEFAULT, .age_budget_ms = AGE_BUDGET_MS, .since_ms = -1,
		.state = LAG_STATE_INIT };

	return tool_main(&program, &a, run, argc, argv);
}
