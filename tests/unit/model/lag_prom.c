/* A lag snapshot as Prometheus text: what is written, and what is left out. */
#include "model/lag_prom.h"

#include <stdlib.h>

#include "model/lag_burrow.h"
#include "tap.h"

static struct buf text;

/* Group "g" reads orders [0] (lag 5) and [1] (never committed), "lost" has a quote in its name. */
static struct lag_snapshot
snapshot(void)
{
	struct lag_snapshot s = { .cluster_id = "c1", .taken_ms = 1795332687352,
		.brokers_n = 1 };
	struct lag_topic *t = lag_topic(&s, slice_str("orders"));
	struct lag_group *g;

	t->logs = arena_array(&s.arena, 3, sizeof(*t->logs));
	t->logs_n = 3;
	for (int i = 0; i < 3; i++)
		t->logs[i] = (struct lag_log){ .start = 10, .end = 100 + i,
			.wanted = i < 2 };
	s.groups = arena_array(&s.arena, 2, sizeof(*s.groups));
	s.groups_n = 2;
	g = &s.groups[0];
	*g = (struct lag_group){ .name = "g", .state = "Stable", .protocol = "consumer",
		.assignor = "range", .coordinator_id = 1, .members_n = 1, .lag = 5,
		.lost = 0, .ahead = 0, .age_ms = 61500, .eta_ms = LAG_NEVER,
		.consumed_per_s = 2.5, .produced_per_s = -1, .status = LAG_STALLED };
	g->members = arena_array(&s.arena, 1, sizeof(*g->members));
	g->members[0] = (struct lag_member){ .id = "m", .client_id = "cl", .host = "/h" };
	g->partitions = arena_array(&s.arena, 2, sizeof(*g->partitions));
	g->partitions_n = 2;
	g->partitions[0] = (struct lag_partition){ .topic = t, .id = 0, .committed = 95,
		.lag = 5, .lost = 0, .ahead = 0, .unread = -1, .counts = true,
		.age_ms = 61500, .eta_ms = LAG_NEVER, .consumed_per_s = 2.5,
		.produced_per_s = -1, .member = g->members, .status = LAG_STALLED };
	g->partitions[1] = (struct lag_partition){ .topic = t, .id = 1, .committed = -1,
		.lag = -1, .lost = -1, .ahead = -1, .unread = 91, .age_ms = -1,
		.eta_ms = -1, .consumed_per_s = -1, .produced_per_s = -1,
		.status = LAG_UNKNOWN };
	s.groups[1] = (struct lag_group){ .name = "q\"u\\o\nte", .state = "",
		.protocol = "", .assignor = "", .coordinator_id = -1,
		.members_n = -1, .lag = -1, .lost = -1, .ahead = -1, .age_ms = -1,
		.eta_ms = -1, .consumed_per_s = -1, .produced_per_s = -1,
		.status = LAG_UNKNOWN };
	return s;
}

static void
write_styles(const char *styles, struct lag_prom_options o)
{
	struct lag_snapshot s = snapshot();
	struct err e = ERR_INIT;

	CHECK_INT(lag_prom_styles(slice_str(styles), &o.styles, &e), 0);
	buf_clear(&text);
	lag_prom_write(&text, &s, &o);
	buf_cstr(&text);
	lag_snapshot_release(&s);
}

static bool
has(const char *line)
{
	size_t n = strlen(line);

	for (const char *at = (const char *)text.data; (at = strstr(at, line)); at++)
		if ((at == (const char *)text.data || at[-1] == '\n') && at[n] == '\n')
			return true;
	printf("# not there: %s\n", line);
	return false;
}

static bool
lacks(const char *part)
{
	return !strstr((const char *)text.data, part);
}

static void
our_own_names(void)
{
	write_styles("kc", (struct lag_prom_options){ .took_ms = 17 });
	CHECK(has("# TYPE kc_lag_records gauge"));
	CHECK(has("kc_lag_up{cluster=\"c1\"} 1"));
	CHECK(has("kc_lag_measured_timestamp_seconds{cluster=\"c1\"} 1795332687.352"));
	CHECK(has("kc_lag_measure_duration_seconds{cluster=\"c1\"} 0.017"));
	CHECK(has("kc_lag_records{cluster=\"c1\",group=\"g\",topic=\"orders\",partition=\"0\"} 5"));
	CHECK(has("kc_lag_unread_records{cluster=\"c1\",group=\"g\",topic=\"orders\",partition=\"1\"} 91"));
	CHECK(has("kc_lag_group_age_seconds{cluster=\"c1\",group=\"g\"} 61.500"));
	CHECK(has("kc_lag_group_status{cluster=\"c1\",group=\"g\",status=\"STALLED\"} 1"));
	CHECK(has("kc_lag_log_end_offset{cluster=\"c1\",topic=\"orders\",partition=\"1\"} 101"));
	CHECK(has("kc_lag_consumed_per_second{cluster=\"c1\",group=\"g\",topic=\"orders\",partition=\"0\"} 2.500"));
}

static void
what_is_not_known_is_left_out(void)
{
	write_styles("kc,kle,kafka_exporter,kminion,burrow", (struct lag_prom_options){
		.took_ms = -1 });
	CHECK(lacks(" -1\n") && lacks("NaN") && lacks("Inf"));
	CHECK(lacks("kc_lag_measure_duration"));
	CHECK(lacks("_eta_"));
	CHECK(lacks("kc_lag_records{cluster=\"c1\",group=\"g\",topic=\"orders\",partition=\"1\"}"));
	/* a log that no group reads */
	CHECK(lacks("partition=\"2\""));
}

static void
labels_are_escaped(void)
{
	write_styles("kc", (struct lag_prom_options){ .cluster = "prod" });
	CHECK(has("kc_lag_group_status{cluster=\"prod\",group=\"q\\\"u\\\\o\\nte\",status=\"UNKNOWN\"} 1"));
}

static void
other_peoples_names(void)
{
	write_styles("kle", (struct lag_prom_options){ .took_ms = 17 });
	CHECK(has("kafka_consumergroup_group_lag{cluster_name=\"c1\",group=\"g\",topic=\"orders\",partition=\"0\","
		"member_host=\"/h\",consumer_id=\"m\",client_id=\"cl\"} 5"));
	CHECK(has("kafka_consumergroup_group_lag_seconds{cluster_name=\"c1\",group=\"g\",topic=\"orders\",partition=\"0\","
		"member_host=\"/h\",consumer_id=\"m\",client_id=\"cl\"} 61.500"));
	CHECK(has("kafka_consumergroup_group_topic_sum_lag{cluster_name=\"c1\",group=\"g\",topic=\"orders\"} 5"));
	CHECK(has("kafka_consumergroup_group_state{cluster_name=\"c1\",group=\"g\"} 3"));
	CHECK(has("kafka_consumergroup_poll_time_ms{cluster_name=\"c1\"} 17"));
	write_styles("kafka_exporter", (struct lag_prom_options){ 0 });
	CHECK(has("kafka_brokers 1"));
	CHECK(has("kafka_topic_partitions{topic=\"orders\"} 3"));
	CHECK(has("kafka_consumergroup_lag{consumergroup=\"g\",topic=\"orders\",partition=\"0\"} 5"));
	CHECK(has("kafka_consumergroup_current_offset_sum{consumergroup=\"g\",topic=\"orders\"} 95"));
	CHECK(has("kafka_consumergroup_members{consumergroup=\"g\"} 1"));
	write_styles("kminion", (struct lag_prom_options){ 0 });
	CHECK(has("kminion_kafka_consumer_group_info{group_id=\"g\",protocol=\"range\",protocol_type=\"consumer\","
		"state=\"Stable\",coordinator_id=\"1\"} 1"));
	CHECK(has("kminion_kafka_consumer_group_topic_partition_lag{group_id=\"g\",topic_name=\"orders\",partition_id=\"0\"} 5"));
	CHECK(has("kminion_kafka_consumer_group_topic_assigned_partitions{group_id=\"g\",topic_name=\"orders\"} 1"));
	write_styles("burrow", (struct lag_prom_options){ 0 });
	CHECK(has("burrow_kafka_topic_partition_status{cluster=\"c1\",consumer_group=\"g\",topic=\"orders\",partition=\"0\"} 5"));
	CHECK(has("burrow_kafka_consumer_status{cluster=\"c1\",consumer_group=\"g\"} 3"));
}

static void
fewer_series(void)
{
	write_styles("kc,kle", (struct lag_prom_options){ .without_partitions = true });
	CHECK(lacks("partition=") && has("kc_lag_group_records{cluster=\"c1\",group=\"g\"} 5"));
	write_styles("kle", (struct lag_prom_options){ .without_members = true });
	CHECK(lacks("member_host") && lacks("client_id"));
}

static void
help_and_type_once(void)
{
	char names[200][80];
	int n = 0;

	write_styles("kc,kle,kafka_exporter,kminion,burrow", (struct lag_prom_options){ 0 });
	for (const char *at = (const char *)text.data; (at = strstr(at, "# TYPE ")); at++)
		n += sscanf(at, "# TYPE %79s", names[n]) == 1;
	CHECK(n > 40);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(names[i], names[k]));
}

static void
styles_are_checked(void)
{
	struct err e = ERR_INIT;
	unsigned styles;

	CHECK_INT(lag_prom_styles(slice_str("kc,burow"), &styles, &e), -1);
	CHECK_INT(e.code, ERR_USAGE);
	CHECK(strstr(e.msg, "did you mean burrow?") != NULL);
	CHECK_INT(lag_prom_styles(slice_str(""), &styles, &e), -1);
	CHECK_INT(lag_prom_styles(slice_str("kc,"), &styles, &e), -1);
	CHECK_INT(lag_prom_styles(slice_str("kle,kc"), &styles, &e), 0);
	CHECK_INT(styles, LAG_PROM_KC | LAG_PROM_KLE);
}

static void
burrow(void)
{
	CHECK_STR(lag_burrow_name(LAG_STOPPED), "STOP");
	CHECK_INT(lag_burrow_number(LAG_STOPPED), 4);
	CHECK_STR(lag_burrow_group_name(LAG_STOPPED), "ERR");
	CHECK_STR(lag_burrow_group_name(LAG_SLOW), "WARN");
	CHECK_STR(lag_burrow_name(LAG_LOST), "ERR");
	CHECK_INT(lag_burrow_group_number(LAG_UNKNOWN), 1);
}

int
main(void)
{
	RUN(our_own_names);
	RUN(what_is_not_known_is_left_out);
	RUN(labels_are_escaped);
	RUN(other_peoples_names);
	RUN(fewer_series);
	RUN(help_and_type_once);
	RUN(styles_are_checked);
	RUN(burrow);
	buf_release(&text);
	return tap_done();
}
