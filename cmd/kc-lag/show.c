/*
 * show.c - kc-lag show: a snapshot as table, lines, verdicts, a plugin's line,
 * what may be gone soon, or a screen.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "cli/term.h"
#include "kafka/lag_age.h"
#include "kafka/lag_print.h"
#include "kafka/lag_risk.h"
#include "kafka/lag_watch.h"
#include "verbs.h"
#include "model/lag_nagios.h"

enum { AGAIN_TIMEOUT_MS = 5000 };

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

/*
 * True when there is no group to show. A person is told; a pipe is as empty as
 * the cluster; and of named groups lag_check_complete() tells.
 */
static bool
tell_empty(const struct args *a, const struct lag_snapshot *s, bool named)
{
	int i = 0;

	while (i < s->groups_n && s->groups[i].reason == LAG_GROUP_GONE)
		i++;
	if (i < s->groups_n)
		return false;
	if (!named && !s->partial && term_is_tty(a->out.fd))
		diag_note("there are no consumer groups (or none that you may "
			"describe)");
	return true;
}

static int
print_snapshot(struct args *a, struct lag_snapshot *s, bool named, struct err *e)
{
	bool json = a->json || !term_is_tty(a->out.fd);

	if (a->burrow)
		return lag_print_burrow(&a->out, s, &a->state.histories, e);
	if (tell_empty(a, s, named))
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
		if (!tell_empty(a, &s, named) && lag_risk_print(&a->out, &s, a->json ||
		    !term_is_tty(a->out.fd), e))
			ret = -1;
		else if (!ret)
			ret = lag_check(&a->check, &s, named, e);
	}
	lag_snapshot_release(&s);
	return ret;
}

static int
watch(struct args *a, struct err *e)
{
	struct lag_watch_options o = { .measure = measure, .arg = a,
		.every_ms = a->watch_ms, .color = a->out.color };

	return lag_watch(&o, e);
}

/* ---- what of it ---- */

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

int
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

/* ---- the options ---- */

static const char *const isolations[] = { "uncommitted", "committed", "both",
	NULL };
static const char *const column_sets[] = { "kafka", NULL };

const struct opt show_options[] = {
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
