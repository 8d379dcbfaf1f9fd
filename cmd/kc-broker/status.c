#include "status.h"

#include <inttypes.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "broker.h"
#include "metrics.h"
#include "metrics_http.h"
#include "net/server.h"

enum { ROOM_MIN = 64 << 20 }; /* bytes free; below it appends are about to fail */

static int64_t
disk_free(const struct broker *b)
{
	struct statvfs v;

	return statvfs(b->dir, &v) ? -1 : (int64_t)(v.f_bavail * v.f_frsize);
}

const char *
status_fault(const struct broker *b)
{
	int64_t room = disk_free(b);

	if (store_failed(b->store))
		return "a sync failed: all logs are read-only (check the disk, then restart)";
	if (room >= 0 && room < ROOM_MIN)
		return "the disk is nearly full (make room; appends go on by themselves)";
	return NULL;
}

static void
put_int(struct buf *out, const char *name, const char *type, int64_t value)
{
	buf_addf(out, "%s\t%s\t%" PRId64 "\n", name, type, value);
}

void
status_write(struct broker *b, struct buf *out)
{
	static const char *const policies[] = { "group", "always", "interval", "never" };
	const struct store_stats *s = store_stats(b->store);
	const char *fault = status_fault(b);
	struct metrics_totals t;
	struct metrics_sample rates;
	struct buf address = BUF_INIT;

	metrics_sum(b, &t);
	rates = metrics_rates(b, &t);
	server_address(b->server, &address);
	buf_addf(out, "health\ttext\t%s\n", fault ? "degraded" : "ok");
	if (fault)
		buf_addf(out, "reason\ttext\t%s\n", fault);
	buf_addf(out, "version\ttext\t%s\n", KC_VERSION);
	put_int(out, "pid", "int", getpid());
	put_int(out, "started", "time", b->metrics.started_at);
	put_int(out, "uptime", "ms", clock_wall_ms(b->clock) - b->metrics.started_at);
	buf_addf(out, "addresses\ttext\t%s\n", buf_cstr(&address));
	if (b->metrics_http)
		buf_addf(out, "metrics\ttext\thttp://%s/metrics\n",
			metrics_http_address(b->metrics_http));
	buf_addf(out, "data_dir\ttext\t%s\n", b->dir);
	buf_addf(out, "fsync\ttext\t%s\n", policies[b->fsync]);
	put_int(out, "disk_free", "bytes", disk_free(b));
	put_int(out, "topics", "int", t.topics);
	put_int(out, "partitions", "int", t.partitions);
	put_int(out, "log_size", "bytes", t.log_bytes);
	put_int(out, "groups", "int", t.groups);
	put_int(out, "transactions_open", "int", t.transactions);
	put_int(out, "connections", "int", b->server->conns_n);
	put_int(out, "requests", "int", (int64_t)t.requests);
	put_int(out, "records_in", "int", t.records_in);
	put_int(out, "bytes_in", "bytes", t.bytes_in);
	put_int(out, "bytes_out", "bytes", t.bytes_out);
	put_int(out, "requests_per_second", "int", rates.requests);
	put_int(out, "records_in_per_second", "int", rates.records_in);
	put_int(out, "bytes_in_per_second", "bytes", rates.bytes_in);
	put_int(out, "bytes_out_per_second", "bytes", rates.bytes_out);
	put_int(out, "commits", "int", (int64_t)s->commits);
	put_int(out, "commit_mean_us", "int",
		s->commits ? s->sync_us / (int64_t)s->commits : 0);
	put_int(out, "wal_used", "bytes", s->wal_used);
	put_int(out, "last_checkpoint", "time", s->checkpoint_at);
	put_int(out, "fault_rules", "int", b->faults_n);
	buf_release(&address);
}
