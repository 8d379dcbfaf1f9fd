#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/api.h"
#include "api/fetch_session.h"
#include "base/xalloc.h"
#include "broker.h"
#include "coord/groups.h"
#include "coord/transactions.h"
#include "meta/meta.h"
#include "net/server.h"
#include "store/partlog.h"

/* So many topics and partitions have lines of their own. */
enum { TOPICS_MAX = 2000, PARTITIONS_MAX = 10000, SAMPLE_MS = 10000 };

/* Upper bounds, ms. */
static const int64_t steps[METRICS_STEPS] = { 1, 2, 5, 10, 25, 50, 100, 250, 500,
	1000, 5000, 30000 };

void
metrics_init(struct metrics *m, int64_t now_wall)
{
	int n;

	api_table(&n);
	*m = (struct metrics){ .started_at = now_wall };
	m->apis = xcalloc((size_t)n, sizeof(*m->apis));
}

void
metrics_release(struct metrics *m)
{
	free(m->apis);
	m->apis = NULL;
}

static struct metrics_api *
of_request(const struct request *rq)
{
	int n;

	return &rq->broker->metrics.apis[rq->api - api_table(&n)];
}

void
metrics_begin(struct request *rq)
{
	rq->began = loop_now(rq->broker->loop);
	of_request(rq)->requests[rq->version < METRICS_VERSIONS ? rq->version : 0]++;
}

void
metrics_end(struct request *rq)
{
	struct metrics_api *a = of_request(rq);
	int64_t ms = loop_now(rq->broker->loop) - rq->began;
	int i = 0;

	while (i < METRICS_STEPS && ms > steps[i])
		i++;
	a->done[i]++;
	a->total_ms += ms;
	if (rq->throttle_ms > 0) {
		rq->broker->metrics.throttled++;
		rq->broker->metrics.throttled_ms += rq->throttle_ms;
	}
}

/* ---- sums ----------------------------------------------------------------- */

void
metrics_sum(struct broker *b, struct metrics_totals *t)
{
	int n, rows;
	struct topic *const *topics = meta_topics(b->meta, &n);

	*t = (struct metrics_totals){ .topics = n };
	for (int i = 0; i < n; i++) {
		for (int32_t k = 0; k < topics[i]->partitions_n; k++) {
			const struct partlog *l = topics[i]->partitions[k];
			const struct partlog_traffic *f = partlog_traffic(l);

			t->partitions++;
			t->partitions_internal += topics[i]->internal;
			t->log_bytes += partlog_size(l);
			t->appends += (int64_t)f->appends;
			t->records_in += (int64_t)f->records_in;
			t->bytes_in += (int64_t)f->bytes_in;
			t->bytes_out += (int64_t)f->bytes_out;
		}
	}
	api_table(&rows);
	for (int i = 0; i < rows; i++)
		for (int v = 0; v < METRICS_VERSIONS; v++)
			t->requests += b->metrics.apis[i].requests[v];
	/* Looking must not be what loads them. */
	t->groups = groups_count(b->groups);
	t->transactions = transactions_open_count(b->transactions);
}

static struct metrics_sample
sample(const struct broker *b, const struct metrics_totals *t)
{
	return (struct metrics_sample){
		.at = clock_mono_ms(b->clock), .requests = (int64_t)t->requests,
		.records_in = t->records_in, .bytes_in = t->bytes_in,
		.bytes_out = t->bytes_out,
	};
}

void
metrics_tick(struct broker *b)
{
	struct metrics *m = &b->metrics;
	struct metrics_totals t;

	if (m->last.at && clock_mono_ms(b->clock) - m->last.at < SAMPLE_MS)
		return;
	metrics_sum(b, &t);
	m->before = m->last;
	m->last = sample(b, &t);
}

/* What topics counted goes with them. */
static int64_t
rate(int64_t now, int64_t before, int64_t ms)
{
	return now > before ? (now - before) * 1000 / ms : 0;
}

struct metrics_sample
metrics_rates(const struct broker *b, const struct metrics_totals *t)
{
	const struct metrics_sample *from = b->metrics.before.at ? &b->metrics.before
		: &b->metrics.last;
	struct metrics_sample now = sample(b, t);
	int64_t ms = now.at - from->at;

	if (!from->at || ms <= 0)
		return (struct metrics_sample){ 0 };
	return (struct metrics_sample){
		.at = now.at,
		.requests = rate(now.requests, from->requests, ms),
		.records_in = rate(now.records_in, from->records_in, ms),
		.bytes_in = rate(now.bytes_in, from->bytes_in, ms),
		.bytes_out = rate(now.bytes_out, from->bytes_out, ms),
	};
}

/* ---- the text ------------------------------------------------------------- */

static void
head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
one(struct buf *out, const char *name, const char *type, int64_t value,
	const char *help)
{
	head(out, name, type, help);
	buf_addf(out, "%s %" PRId64 "\n", name, value);
}

static void
put_requests(struct broker *b, struct buf *out)
{
	static const char count[] = "kafka_network_requestmetrics_requests_total";
	static const char time[] = "kafka_network_requestmetrics_totaltimems";
	int n;
	const struct api *table = api_table(&n);

	head(out, count, "counter", "Requests, by kind and version.");
	for (int i = 0; i < n; i++)
		for (int v = 0; v < METRICS_VERSIONS; v++)
			if (b->metrics.apis[i].requests[v])
				buf_addf(out, "%s{request=\"%s\",version=\"%d\"} %"
					PRIu64 "\n", count, table[i].name, v,
					b->metrics.apis[i].requests[v]);
	head(out, time, "histogram", "From a request to its reply, in milliseconds.");
	for (int i = 0; i < n; i++) {
		const struct metrics_api *a = &b->metrics.apis[i];
		uint64_t sum = 0;

		for (int k = 0; k <= METRICS_STEPS; k++)
			sum += a->done[k];
		if (!sum)
			continue;
		sum = 0;
		for (int k = 0; k < METRICS_STEPS; k++)
			buf_addf(out, "%s_bucket{request=\"%s\",le=\"%" PRId64 "\"} %"
				PRIu64 "\n", time, table[i].name, steps[k],
				sum += a->done[k]);
		sum += a->done[METRICS_STEPS];
		buf_addf(out, "%s_bucket{request=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
			"%s_sum{request=\"%s\"} %" PRId64 "\n"
			"%s_count{request=\"%s\"} %" PRIu64 "\n", time,
			table[i].name, sum, time, table[i].name, a->total_ms,
			time, table[i].name, sum);
	}
}

/* Names of topics need no escape in a label. */
static void
put_topics(struct broker *b, struct buf *out)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} rows[] = {
		{ "kafka_server_brokertopicmetrics_messagesin_total",
			"Records appended, by topic.",
			offsetof(struct partlog_traffic, records_in) },
		{ "kafka_server_brokertopicmetrics_bytesin_total",
			"Bytes of record batches appended, by topic.",
			offsetof(struct partlog_traffic, bytes_in) },
		{ "kafka_server_brokertopicmetrics_bytesout_total",
			"Bytes of record batches sent to consumers, by topic.",
			offsetof(struct partlog_traffic, bytes_out) },
	};
	int n;
	struct topic *const *topics = meta_topics(b->meta, &n);

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		head(out, rows[r].name, "counter", rows[r].help);
		for (int i = 0; i < n && i < TOPICS_MAX; i++) {
			uint64_t sum = 0, v;

			for (int32_t k = 0; k < topics[i]->partitions_n; k++) {
				memcpy(&v, (const char *)partlog_traffic(
					topics[i]->partitions[k]) + rows[r].at,
					sizeof(v));
				sum += v;
			}
			buf_addf(out, "%s{topic=\"%s\"} %" PRIu64 "\n",
				rows[r].name, topics[i]->name, sum);
		}
	}
}

static void
put_logs(struct broker *b, struct buf *out)
{
	static const struct {
		const char *name, *help;
		int64_t (*of)(const struct partlog *l);
	} rows[] = {
		{ "kafka_log_log_size", "Bytes of a partition.", partlog_size },
		{ "kafka_log_log_logstartoffset", "First offset of a partition.",
			partlog_start },
		{ "kafka_log_log_logendoffset", "Next offset of a partition.",
			partlog_end },
	};
	int n;
	struct topic *const *topics = meta_topics(b->meta, &n);

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		int left = PARTITIONS_MAX;

		head(out, rows[r].name, "gauge", rows[r].help);
		for (int i = 0; i < n; i++)
			for (int32_t k = 0; k < topics[i]->partitions_n && left-- > 0; k++)
				buf_addf(out, "%s{topic=\"%s\",partition=\"%d\"} %"
					PRId64 "\n", rows[r].name, topics[i]->name,
					k, rows[r].of(topics[i]->partitions[k]));
	}
}

static void
put_store(struct broker *b, struct buf *out)
{
	static const char name[] = "kc_broker_fsync_seconds";
	const struct store_stats *s = store_stats(b->store);
	uint64_t sum = 0;

	head(out, name, "histogram", "How long a group commit took to be on disk.");
	for (int i = 0; i < STORE_SYNC_STEPS; i++)
		buf_addf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			(double)store_sync_steps[i] / 1e6, sum += s->sync_counts[i]);
	sum += s->sync_counts[STORE_SYNC_STEPS];
	buf_addf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %"
		PRIu64 "\n", name, sum, name, (double)s->sync_us / 1e6, name, sum);
	one(out, "kc_broker_commit_bytes_total", "counter", (int64_t)s->commit_bytes,
		"Bytes that group commits made durable.");
	one(out, "kc_broker_commit_direct_bytes_total", "counter",
		(int64_t)s->direct_bytes,
		"Bytes of them that were synced in their segments, not in the write-ahead log.");
	one(out, "kc_broker_commit_backlog_bytes", "gauge",
		(int64_t)store_backlog(b->store), "Bytes appended and not yet durable.");
	one(out, "kc_broker_wal_used_bytes", "gauge", s->wal_used,
		"Bytes of the write-ahead log in use.");
	one(out, "kc_broker_wal_size_bytes", "gauge", s->wal_size,
		"Bytes that the write-ahead log has.");
	one(out, "kc_broker_checkpoints_total", "counter", (int64_t)s->checkpoints,
		"Checkpoints written.");
	one(out, "kc_broker_checkpoint_timestamp_seconds", "gauge",
		s->checkpoint_at / 1000, "When the last checkpoint ended, 0 = none yet.");
	one(out, "kc_broker_cleaner_rounds_total", "counter", (int64_t)s->cleanings,
		"Logs compacted.");
	one(out, "kc_broker_cleaner_failures_total", "counter",
		(int64_t)s->cleanings_failed,
		"Logs that are not compacted any more: they are damaged, see the log.");
	one(out, "kc_broker_cleaner_read_bytes_total", "counter",
		(int64_t)s->cleaned_bytes, "Bytes of the segments that were compacted.");
	one(out, "kc_broker_cleaner_kept_bytes_total", "counter",
		(int64_t)s->kept_bytes, "Bytes that were left of them.");
	one(out, "kc_broker_cleaner_active", "gauge", s->cleaning,
		"1 while a log is being compacted.");
	one(out, "kc_broker_store_failed", "gauge", store_failed(b->store) != 0,
		"1 when a sync failed: logs are read-only.");
}

static void
put_server(struct broker *b, struct buf *out)
{
	const struct metrics *m = &b->metrics;

	one(out, "kafka_server_socket_server_metrics_connection_count", "gauge",
		b->server->conns_n, "Connections that are open.");
	one(out, "kafka_server_socket_server_metrics_connection_creation_total",
		"counter", (int64_t)m->connections, "Connections accepted.");
	one(out, "kafka_server_socket_server_metrics_connection_close_total",
		"counter", (int64_t)m->disconnections, "Connections closed.");
	one(out, "kc_broker_network_receive_bytes_total", "counter",
		(int64_t)m->bytes_in, "Bytes read from clients.");
	one(out, "kc_broker_network_transmit_bytes_total", "counter",
		(int64_t)m->bytes_out, "Bytes sent to clients.");
	one(out, "kc_broker_memory_bytes", "gauge", (int64_t)b->server->bytes,
		"Requests and replies in memory.");
	one(out, "kc_broker_throttled_requests_total", "counter", m->throttled,
		"Requests whose client was told to wait.");
	one(out, "kc_broker_throttle_milliseconds_total", "counter", m->throttled_ms,
		"How long they were told to.");
}

static void
put_sessions(const struct broker *b, struct buf *out)
{
	int partitions, n = fetch_sessions_count(b->fetch_sessions, &partitions);

	one(out, "kafka_server_fetchsessioncache_numincrementalfetchsessions",
		"gauge", n, "Fetch sessions remembered.");
	one(out, "kafka_server_fetchsessioncache_numincrementalfetchpartitionscached",
		"gauge", partitions, "Partitions in them.");
}

static void
put_process(struct broker *b, struct buf *out)
{
	struct statvfs v;
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f) {
		if (fscanf(f, "%*s %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	one(out, "process_resident_memory_bytes", "gauge",
		pages * sysconf(_SC_PAGESIZE), "Resident memory.");
	one(out, "process_start_time_seconds", "gauge", b->metrics.started_at / 1000,
		"When the broker was started.");
	if (!statvfs(b->dir, &v))
		one(out, "kc_broker_disk_free_bytes", "gauge",
			(int64_t)(v.f_bavail * v.f_frsize),
			"Room on the data directory's file system.");
}

void
metrics_write(struct broker *b, struct buf *out)
{
	struct metrics_totals t;

	metrics_sum(b, &t);
	head(out, "kc_broker_info", "gauge", "Always 1.");
	buf_addf(out, "kc_broker_info{version=\"%s\",node_id=\"%d\"} 1\n",
		KC_VERSION, b->node_id);
	one(out, "kafka_server_replicamanager_partitioncount", "gauge", t.partitions,
		"Partitions of this broker.");
	one(out, "kafka_server_replicamanager_leadercount", "gauge", t.partitions,
		"Partitions it leads.");
	one(out, "kafka_server_replicamanager_underreplicatedpartitions", "gauge", 0,
		"Always 0: there is one replica.");
	one(out, "kafka_controller_kafkacontroller_activecontrollercount", "gauge", 1,
		"Always 1: the broker is the controller.");
	one(out, "kafka_controller_kafkacontroller_offlinepartitionscount", "gauge",
		store_failed(b->store) ? t.partitions : 0,
		"Partitions that cannot be written.");
	one(out, "kafka_controller_kafkacontroller_globaltopiccount", "gauge",
		t.topics, "Topics.");
	one(out, "kafka_controller_kafkacontroller_globalpartitioncount", "gauge",
		t.partitions, "Partitions of all topics.");
	one(out, "kafka_coordinator_group_groupmetadatamanager_numgroups", "gauge",
		t.groups, "Groups known.");
	one(out, "kc_broker_groups_bytes", "gauge", (int64_t)groups_bytes(b->groups),
		"Memory of groups, members and offsets.");
	one(out, "kc_broker_transactions_open", "gauge", t.transactions,
		"Transactions that are ongoing or being decided.");
	one(out, "kafka_server_replicamanager_produceridcount", "gauge",
		(int64_t)store_stats(b->store)->producers,
		"Producers with an id that partitions remember.");
	put_sessions(b, out);
	put_requests(b, out);
	put_topics(b, out);
	put_logs(b, out);
	put_store(b, out);
	put_server(b, out);
	put_process(b, out);
}
