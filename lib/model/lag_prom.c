#include "model/lag_prom.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "model/lag_burrow.h"

/* What one sample is about: one of everything behind the options, or NULL. */
struct at {
	const struct lag_snapshot *s;
	const struct lag_prom_options *o;
	const struct lag_group *g;
	const struct lag_partition *p;
	const struct lag_topic *t;
	int32_t partition;
	const struct lag_log *log;
	/* of a group's rows of one topic; -1 = no row has one */
	int64_t lag, offset;
	int assigned;
};

enum scope { SNAPSHOT, TOPIC, LOG, GROUP, GROUP_TOPIC, ROW };

/* One metric: a row of families[]. */
struct family {
	enum lag_prom_style style;
	enum scope scope;
	const char *name, *help;
	/* False where there is no number. */
	bool (*value)(const struct at *a, int64_t *n);
	int decimals;           /* the number is this many places to the left */
	/* Labels behind the scope's own; or NULL. */
	void (*labels)(struct buf *out, const struct at *a);
};

/* How a style calls its labels; NULL = has it not. */
static const struct names {
	enum lag_prom_style style;
	const char *name, *cluster, *group, *topic, *partition;
	bool members;           /* rows tell who owns them */
} styles[] = {
	{ LAG_PROM_KC, "kc", "cluster", "group", "topic", "partition", false },
	{ LAG_PROM_KLE, "kle", "cluster_name", "group", "topic", "partition", true },
	{ LAG_PROM_EXPORTER, "kafka_exporter", NULL, "consumergroup", "topic",
		"partition", false },
	{ LAG_PROM_KMINION, "kminion", NULL, "group_id", "topic_name",
		"partition_id", false },
	{ LAG_PROM_BURROW, "burrow", "cluster", "consumer_group", "topic",
		"partition", false },
};

enum { STYLES = sizeof(styles) / sizeof(*styles) };

int
lag_prom_styles(struct slice list, unsigned *out, struct err *e)
{
	const char *at = list.data, *end = at + list.len;

	*out = 0;
	while (at <= end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct slice word = slice_make(at, (size_t)((comma ? comma : end) - at));
		struct near near = near_init(word);
		int i;

		for (i = 0; i < STYLES && !slice_eq_str(word, styles[i].name); i++)
			near_offer(&near, styles[i].name);
		if (i == STYLES)
			return err_set(e, ERR_USAGE, "'%.*s' is no style of names "
				"(kc, kle, kafka_exporter, kminion, burrow%s%s%s)",
				SLICE_ARG(word), near.name ? "; did you mean " : "",
				near.name ? near.name : "", near.name ? "?" : "");
		*out |= styles[i].style;
		at += word.len + 1;
	}
	return 0;
}

/* ---- values ------------------------------------------------------------------ */

static bool
known(int64_t v, int64_t *n)
{
	*n = v;
	return v >= 0;
}

#define VALUE(name, number) \
	static bool \
	name(const struct at *a, int64_t *n) \
	{ \
		return known(number, n); \
	}

VALUE(up, !a->s->partial)
VALUE(taken, a->s->taken_ms)
VALUE(took, a->o->took_ms)
VALUE(groups_n, a->s->groups_n)
VALUE(brokers_n, a->s->brokers_n)
VALUE(partitions_n, a->t->logs_n ? a->t->logs_n : -1)
VALUE(log_start, a->log->start)
VALUE(log_end, a->log->end)
VALUE(group_lag, a->g->lag)
VALUE(group_lost, a->g->lost)
VALUE(group_age, a->g->age_ms)
VALUE(group_members, a->g->members_n)
VALUE(group_failed, a->g->failed_n)
VALUE(topic_lag, a->lag)
VALUE(topic_offset, a->offset)
VALUE(topic_assigned, a->g->members_n < 0 ? -1 : a->assigned)
VALUE(row_committed, a->p->committed)
VALUE(row_lag, a->p->lag)
VALUE(row_lost, a->p->lost)
VALUE(row_ahead, a->p->ahead)
VALUE(row_unread, a->p->unread)
VALUE(row_age, a->p->age_ms)

static bool
one(const struct at *a, int64_t *n)
{
	(void)a;
	return known(1, n);
}

static bool
group_eta(const struct at *a, int64_t *n)
{
	return a->g->eta_ms != LAG_NEVER && known(a->g->eta_ms, n);
}

static bool
row_eta(const struct at *a, int64_t *n)
{
	return a->p->eta_ms != LAG_NEVER && known(a->p->eta_ms, n);
}

static bool
rate(double per_s, int64_t *n)
{
	return known(per_s < 0 ? -1 : (int64_t)(per_s * 1000), n);
}

static bool
row_consumed(const struct at *a, int64_t *n)
{
	return rate(a->p->consumed_per_s, n);
}

static bool
row_produced(const struct at *a, int64_t *n)
{
	return rate(a->p->produced_per_s, n);
}

/* The largest lag of a group's rows. */
static bool
group_max_lag(const struct at *a, int64_t *n)
{
	int64_t max = -1;

	for (int i = 0; i < a->g->partitions_n; i++)
		if (a->g->partitions[i].counts && a->g->partitions[i].lag > max)
			max = a->g->partitions[i].lag;
	return known(max, n);
}

/* As klag-exporter numbers them; a state of another name is 0. */
static bool
group_state(const struct at *a, int64_t *n)
{
	static const char *const states[] = { "Unknown", "PreparingRebalance",
		"CompletingRebalance", "Stable", "Dead", "Empty", "Assigning",
		"Reconciling" };

	*n = 0;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!strcmp(a->g->state, states[i]))
			*n = (int64_t)i;
	return *a->g->state;
}

static bool
group_is_stable(const struct at *a, int64_t *n)
{
	*n = !strcmp(a->g->state, "Stable");
	return *a->g->state;
}

static bool
group_burrow(const struct at *a, int64_t *n)
{
	return known(lag_burrow_group_number(a->g->status), n);
}

static bool
row_burrow(const struct at *a, int64_t *n)
{
	return a->p->status != LAG_UNKNOWN &&
		known(lag_burrow_number(a->p->status), n);
}

/* ---- labels ------------------------------------------------------------------ */

/* name="value", behind what is there; a NULL name is nothing. */
static void
label(struct buf *out, const char *name, const char *value)
{
	if (!name)
		return;
	if (out->data[out->len - 1] != '{')
		buf_addc(out, ',');
	buf_addstr(out, name);
	buf_addstr(out, "=\"");
	for (; *value; value++) {
		if (*value == '\n') {
			buf_addstr(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *value);
	}
	buf_addc(out, '"');
}

static void
status_label(struct buf *out, const struct at *a)
{
	label(out, "status", lag_status_name(a->p ? a->p->status : a->g->status));
}

static void
kminion_info(struct buf *out, const struct at *a)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", (int)a->g->coordinator_id);
	label(out, "protocol", a->g->assignor);
	label(out, "protocol_type", a->g->protocol);
	label(out, "state", a->g->state);
	label(out, "coordinator_id", id);
}

static void
scope_labels(struct buf *out, const struct names *names, enum scope scope,
	const struct at *a)
{
	const struct lag_member *m = a->p ? a->p->member : NULL;
	char id[16];

	label(out, names->cluster, a->o->cluster ? a->o->cluster : a->s->cluster_id);
	if (scope >= GROUP)
		label(out, names->group, a->g->name);
	if (scope != SNAPSHOT && scope != GROUP)
		label(out, names->topic, a->t->name);
	if (scope == LOG || scope == ROW) {
		snprintf(id, sizeof(id), "%d", (int)a->partition);
		label(out, names->partition, id);
	}
	if (scope == ROW && names->members && !a->o->without_members) {
		label(out, "member_host", m ? m->host : "");
		label(out, "consumer_id", m ? m->id : "");
		label(out, "client_id", m ? m->client_id : "");
	}
}

/* ---- the metrics ------------------------------------------------------------- */

#define KC LAG_PROM_KC
#define KLE LAG_PROM_KLE
#define EXPORTER LAG_PROM_EXPORTER
#define KMINION LAG_PROM_KMINION
#define BURROW LAG_PROM_BURROW

static const struct family families[] = {
	{ KC, SNAPSHOT, "kc_lag_up", "1 when everything could be measured, 0 when "
		"something is missing.", up, 0, NULL },
	{ KC, SNAPSHOT, "kc_lag_measured_timestamp_seconds",
		"When the log ends were read.", taken, 3, NULL },
	{ KC, SNAPSHOT, "kc_lag_measure_duration_seconds",
		"How long the measuring took.", took, 3, NULL },
	{ KC, SNAPSHOT, "kc_lag_groups", "Consumer groups.", groups_n, 0, NULL },
	{ KC, LOG, "kc_lag_log_start_offset", "Log start offset.", log_start, 0, NULL },
	{ KC, LOG, "kc_lag_log_end_offset", "Log end offset: the high watermark, "
		"or the last stable offset.", log_end, 0, NULL },
	{ KC, GROUP, "kc_lag_group_records", "Records behind, of all partitions.",
		group_lag, 0, NULL },
	{ KC, GROUP, "kc_lag_group_lost_records", "Records that were deleted before "
		"they were read.", group_lost, 0, NULL },
	{ KC, GROUP, "kc_lag_group_age_seconds", "Age of the oldest unread record.",
		group_age, 3, NULL },
	{ KC, GROUP, "kc_lag_group_eta_seconds", "Time until the lag is gone, at the "
		"present rates.", group_eta, 3, NULL },
	{ KC, GROUP, "kc_lag_group_members", "Members.", group_members, 0, NULL },
	{ KC, GROUP, "kc_lag_group_unmeasured_partitions",
		"Partitions whose lag could not be had.", group_failed, 0, NULL },
	{ KC, GROUP, "kc_lag_group_status", "1, with the worst status of the group's "
		"partitions as a label.", one, 0, status_label },
	{ KC, ROW, "kc_lag_records", "Records behind.", row_lag, 0, NULL },
	{ KC, ROW, "kc_lag_lost_records", "Records that were deleted before they were "
		"read.", row_lost, 0, NULL },
	{ KC, ROW, "kc_lag_ahead_records", "How far the committed offset lies beyond "
		"the log's end.", row_ahead, 0, NULL },
	{ KC, ROW, "kc_lag_unread_records", "Records of a partition without a "
		"committed offset.", row_unread, 0, NULL },
	{ KC, ROW, "kc_lag_age_seconds", "Age of the oldest unread record.", row_age,
		3, NULL },
	{ KC, ROW, "kc_lag_eta_seconds", "Time until the lag is gone, at the present "
		"rates.", row_eta, 3, NULL },
	{ KC, ROW, "kc_lag_committed_offset", "Committed offset.", row_committed, 0,
		NULL },
	{ KC, ROW, "kc_lag_consumed_per_second", "Offsets committed a second.",
		row_consumed, 3, NULL },
	{ KC, ROW, "kc_lag_produced_per_second", "Offsets written a second.",
		row_produced, 3, NULL },
	{ KC, ROW, "kc_lag_status", "1, with the partition's status as a label.",
		one, 0, status_label },

	{ KLE, LOG, "kafka_partition_latest_offset", "Latest offset of a partition.",
		log_end, 0, NULL },
	{ KLE, LOG, "kafka_partition_earliest_offset",
		"Earliest offset of a partition.", log_start, 0, NULL },
	{ KLE, ROW, "kafka_consumergroup_group_offset",
		"Last committed offset of a partition.", row_committed, 0, NULL },
	{ KLE, ROW, "kafka_consumergroup_group_lag", "Offset lag of a partition.",
		row_lag, 0, NULL },
	{ KLE, ROW, "kafka_consumergroup_group_lag_seconds",
		"Time lag of a partition: the age of its oldest unread record.",
		row_age, 3, NULL },
	{ KLE, ROW, "kafka_consumergroup_group_messages_lost",
		"Messages deleted before they were read.", row_lost, 0, NULL },
	{ KLE, GROUP, "kafka_consumergroup_group_max_lag", "Highest offset lag.",
		group_max_lag, 0, NULL },
	{ KLE, GROUP, "kafka_consumergroup_group_max_lag_seconds",
		"Highest time lag.", group_age, 3, NULL },
	{ KLE, GROUP, "kafka_consumergroup_group_sum_lag", "Sum of the offset lags.",
		group_lag, 0, NULL },
	{ KLE, GROUP, "kafka_consumergroup_group_state", "0 unknown, 1 preparing and "
		"2 completing a rebalance, 3 stable, 4 dead, 5 empty, 6 assigning, "
		"7 reconciling.", group_state, 0, NULL },
	{ KLE, GROUP_TOPIC, "kafka_consumergroup_group_topic_sum_lag",
		"Sum of the offset lags of a topic.", topic_lag, 0, NULL },
	{ KLE, SNAPSHOT, "kafka_consumergroup_poll_time_ms",
		"How long the measuring took.", took, 0, NULL },

	{ EXPORTER, SNAPSHOT, "kafka_brokers", "Brokers.", brokers_n, 0, NULL },
	{ EXPORTER, TOPIC, "kafka_topic_partitions", "Partitions of a topic.",
		partitions_n, 0, NULL },
	{ EXPORTER, LOG, "kafka_topic_partition_current_offset",
		"Latest offset of a partition.", log_end, 0, NULL },
	{ EXPORTER, LOG, "kafka_topic_partition_oldest_offset",
		"Oldest offset of a partition.", log_start, 0, NULL },
	{ EXPORTER, ROW, "kafka_consumergroup_current_offset",
		"Committed offset of a partition.", row_committed, 0, NULL },
	{ EXPORTER, ROW, "kafka_consumergroup_lag", "Lag of a partition.", row_lag,
		0, NULL },
	{ EXPORTER, GROUP_TOPIC, "kafka_consumergroup_current_offset_sum",
		"Sum of a topic's committed offsets.", topic_offset, 0, NULL },
	{ EXPORTER, GROUP_TOPIC, "kafka_consumergroup_lag_sum",
		"Sum of a topic's lags.", topic_lag, 0, NULL },
	{ EXPORTER, GROUP, "kafka_consumergroup_members", "Members.", group_members,
		0, NULL },

	{ KMINION, SNAPSHOT, "kminion_exporter_up", "1 when everything could be "
		"measured.", up, 0, NULL },
	{ KMINION, GROUP, "kminion_kafka_consumer_group_info",
		"1 when the group is stable.", group_is_stable, 0, kminion_info },
	{ KMINION, GROUP, "kminion_kafka_consumer_group_members", "Members.",
		group_members, 0, NULL },
	{ KMINION, GROUP_TOPIC,
		"kminion_kafka_consumer_group_topic_assigned_partitions",
		"Partitions of a topic that members own.", topic_assigned, 0, NULL },
	{ KMINION, GROUP_TOPIC, "kminion_kafka_consumer_group_topic_offset_sum",
		"Sum of a topic's committed offsets.", topic_offset, 0, NULL },
	{ KMINION, GROUP_TOPIC, "kminion_kafka_consumer_group_topic_lag",
		"Sum of a topic's lags.", topic_lag, 0, NULL },
	{ KMINION, ROW, "kminion_kafka_consumer_group_topic_partition_lag",
		"Lag of a partition.", row_lag, 0, NULL },
	{ KMINION, LOG, "kminion_kafka_topic_partition_high_water_mark",
		"High watermark of a partition.", log_end, 0, NULL },
	{ KMINION, LOG, "kminion_kafka_topic_partition_low_water_mark",
		"Log start offset of a partition.", log_start, 0, NULL },

	{ BURROW, GROUP, "burrow_kafka_consumer_lag_total", "Sum of the lags.",
		group_lag, 0, NULL },
	{ BURROW, GROUP, "burrow_kafka_consumer_status", "0 not found, 1 ok, "
		"2 warning, 3 error.", group_burrow, 0, NULL },
	{ BURROW, ROW, "burrow_kafka_topic_partition_status", "1 ok, 2 warning, "
		"3 error, 4 stop, 5 stall, 6 rewind.", row_burrow, 0, NULL },
	{ BURROW, ROW, "burrow_kafka_consumer_current_offset",
		"Committed offset of a partition.", row_committed, 0, NULL },
	{ BURROW, ROW, "burrow_kafka_consumer_partition_lag", "Lag of a partition.",
		row_lag, 0, NULL },
	{ BURROW, LOG, "burrow_kafka_topic_partition_offset",
		"Latest offset of a partition.", log_end, 0, NULL },
};

/* ---- writing ----------------------------------------------------------------- */

struct writer {
	struct buf *out;
	const struct family *f;
	const struct names *names;
	bool named;             /* HELP and TYPE stand before the first sample */
};

static void
put_number(struct buf *out, int64_t n, int decimals)
{
	if (decimals == 3)
		buf_addf(out, "%lld.%03d", (long long)(n / 1000), (int)(n % 1000));
	else
		buf_addint(out, n);
}

static void
sample(struct writer *w, const struct at *a)
{
	size_t brace;
	int64_t n;

	if (!w->f->value(a, &n))
		return;
	if (!w->named)
		buf_addf(w->out, "# HELP %s %s\n# TYPE %s gauge\n", w->f->name,
			w->f->help, w->f->name);
	w->named = true;
	buf_addstr(w->out, w->f->name);
	brace = w->out->len;
	buf_addc(w->out, '{');
	scope_labels(w->out, w->names, w->f->scope, a);
	if (w->f->labels)
		w->f->labels(w->out, a);
	if (w->out->len == brace + 1)
		w->out->len = brace;
	else
		buf_addc(w->out, '}');
	buf_addc(w->out, ' ');
	put_number(w->out, n, w->f->decimals);
	buf_addc(w->out, '\n');
}

static int
by_name(const void *a, const void *b)
{
	const struct lag_topic *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* returns owned: s->topics.len of them */
static const struct lag_topic **
sorted_topics(const struct lag_snapshot *s)
{
	const struct lag_topic **all = xcalloc(s->topics.len + 1, sizeof(*all)), *t;
	size_t n = 0;

	for (size_t i = 0; (t = map_next(&s->topics, &i)); )
		all[n++] = t;
	qsort(all, n, sizeof(*all), by_name);
	return all;
}

static void
write_topics(struct writer *w, struct at a, const struct lag_topic **topics)
{
	for (size_t i = 0; i < a.s->topics.len; i++) {
		a.t = topics[i];
		if (w->f->scope == TOPIC)
			sample(w, &a);
		for (int32_t n = 0; w->f->scope == LOG && n < a.t->logs_n; n++) {
			a.partition = n;
			a.log = &a.t->logs[n];
			if (a.log->wanted)
				sample(w, &a);
		}
	}
}

static void
add(int64_t *sum, int64_t n)
{
	if (n >= 0)
		*sum = *sum < 0 ? n : *sum + n;
}

/* The rows of a group stand by topic. */
static void
write_group_topics(struct writer *w, struct at a)
{
	const struct lag_partition *p = a.g->partitions;

	for (int i = 0, n = a.g->partitions_n; i < n; ) {
		a.t = p[i].topic;
		a.lag = a.offset = -1;
		a.assigned = 0;
		for (; i < n && p[i].topic == a.t; i++) {
			add(&a.lag, p[i].lag);
			add(&a.offset, p[i].committed);
			a.assigned += p[i].member != NULL;
		}
		if (a.t)
			sample(w, &a);
	}
}

static void
write_groups(struct writer *w, struct at a)
{
	for (int i = 0; i < a.s->groups_n; i++) {
		a.g = &a.s->groups[i];
		if (w->f->scope == GROUP)
			sample(w, &a);
		else if (w->f->scope == GROUP_TOPIC)
			write_group_topics(w, a);
		for (int j = 0; w->f->scope == ROW && j < a.g->partitions_n; j++) {
			a.p = &a.g->partitions[j];
			a.t = a.p->topic;
			a.partition = a.p->id;
			if (a.t)
				sample(w, &a);
		}
		a.p = NULL;
	}
}

static const struct names *
names_of(enum lag_prom_style style)
{
	int i = 0;

	while (styles[i].style != style)
		i++;
	return &styles[i];
}

void
lag_prom_write(struct buf *out, const struct lag_snapshot *s,
	const struct lag_prom_options *o)
{
	const struct lag_topic **topics = sorted_topics(s);
	struct at a = { .s = s, .o = o };

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const struct family *f = &families[i];
		struct writer w = { out, f, names_of(f->style), false };
		bool partitions = f->scope == LOG || f->scope == ROW;

		if (!(o->styles & f->style) || (partitions && o->without_partitions))
			continue;
		if (f->scope == SNAPSHOT)
			sample(&w, &a);
		else if (f->scope == TOPIC || f->scope == LOG)
			write_topics(&w, a, topics);
		else
			write_groups(&w, a);
	}
	free(topics);
}
