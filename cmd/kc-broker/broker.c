#include "broker.h"

#include <stdlib.h>
#include <string.h>

#include "api/client_metrics.h"
#include "api/fetch_session.h"
#include "api/group_wait.h"
#include "api/transaction_wait.h"
#include "coord/groups.h"
#include "log.h"
#include "meta/meta.h"
#include "metrics_http.h"
#include "net/admin.h"
#include "net/faults.h"
#include "net/server.h"
#include "store/fs.h"

/* On the sync thread. */
static void
wake(void *arg)
{
	struct broker *b = arg;

	loop_wake(&b->store_waker);
}

static void
poll_store(struct loop_waker *w)
{
	struct broker *b = container_of(w, struct broker, store_waker);

	store_poll(b->store);
}

static void
committed(void *arg, uint64_t seq, int16_t error)
{
	struct broker *b = arg;

	if (b->transactions)
		transactions_committed(b->transactions, seq, error);
	/* At the end the store finishes what nobody waits for any more. */
	if (b->server)
		server_committed(b->server, seq, error);
}

static void
groups_due(struct loop_timer *t)
{
	groups_tick(container_of(t, struct broker, groups_timer)->groups);
}

static void
wake_groups(void *arg, int64_t at)
{
	struct broker *b = arg;

	loop_timer_set(b->loop, &b->groups_timer, at);
}

static int
open_groups(struct broker *b, struct err *e)
{
	struct groups_parts parts = {
		.config = b->config,
		.clock = b->clock,
		.meta = b->meta,
		.wake = wake_groups,
		.wake_arg = b,
		.answer = group_wait_answer,
	};

	b->groups_timer.fire = groups_due;
	return groups_open(&b->groups, &parts, e);
}

static void
transactions_due(struct loop_timer *t)
{
	transactions_tick(container_of(t, struct broker, transactions_timer)->transactions);
}

static void
wake_transactions(void *arg, int64_t at)
{
	struct broker *b = arg;

	loop_timer_set(b->loop, &b->transactions_timer, at);
}

static void
open_transactions(struct broker *b)
{
	struct transactions_parts parts = {
		.config = b->config,
		.clock = b->clock,
		.meta = b->meta,
		.groups = b->groups,
		.wake = wake_transactions,
		.wake_arg = b,
		.answer = transaction_wait_answer,
	};

	b->transactions_timer.fire = transactions_due;
	b->transactions = transactions_open(&parts);
}

static void
report(void *arg, bool is_warning, const char *line)
{
	(void)arg;
	if (is_warning)
		log_warn("%s", line);
	else
		log_info("%s", line);
}

int
broker_prepare(struct broker *b, const struct broker_options *o, struct err *e)
{
	*b = (struct broker){
		.config = o->config,
		.clock = o->clock,
		.node_id = (int32_t)config_get_int64(o->config, "node.id"),
		.nodes = o->nodes,
		.shift = o->shift,
		.release = o->release,
		.fsync = o->ephemeral ? FSYNC_NEVER : o->fsync,
		.dir = o->dir,
	};
	fs_fault_init(&b->disk, fs_posix());
	metrics_init(&b->metrics, clock_wall_ms(o->clock));
	list_init(&b->commit_waiters);
	b->loop = loop_new(o->clock, e);
	if (!b->loop)
		return -1;
	b->store_waker = (struct loop_waker){ .loop = b->loop, .run = poll_store };
	b->server = server_new(b);
	return 0;
}

int
broker_open(struct broker *b, const struct broker_options *o, struct err *e)
{
	struct store_options so = {
		.dir = o->dir,
		.fs = &b->disk.fs,
		.clock = o->clock,
		.fsync = o->fsync,
		.interval_ms = o->interval_ms,
		.wal_bytes = o->wal_bytes,
		.ephemeral = o->ephemeral,
		.repair = o->repair,
		.retention_delay_ms = config_get_int64(o->config,
			"log.initial.task.delay.ms"),
		.retention_check_ms = config_get_int64(o->config,
			"log.retention.check.interval.ms"),
		.producer_expiration_ms = config_get_int64(o->config,
			"producer.id.expiration.ms"),
		.cleaner = config_get_bool(o->config, "log.cleaner.enable"),
		.cleaner_backoff_ms = config_get_int64(o->config,
			"log.cleaner.backoff.ms"),
		.cleaner_buffer = (size_t)config_get_int64(o->config,
			"log.cleaner.dedupe.buffer.size"),
		.cleaner_bytes_per_second = config_get_double(o->config,
			"log.cleaner.io.max.bytes.per.second"),
		.wake = wake,
		.wake_arg = b,
		.committed = committed,
		.committed_arg = b,
		.report = report,
	};

	if (store_open(&b->store, &so, e))
		return -1;
	if (meta_open(&b->meta, b->store, o->clock, o->config, e) ||
	    store_start(b->store, e))
		return err_wrap(e, "data directory '%s'", o->dir);
	broker_watch_settings(b);
	b->client_metrics = client_metrics_new();
	if (open_groups(b, e))
		return -1;
	open_transactions(b);
	b->fetch_sessions = fetch_sessions_new((int)config_get_int64(o->config,
		"max.incremental.fetch.session.cache.slots"));
	if ((o->faults && faults_load(b, o->faults, e)) ||
	    admin_open(&b->admin, b, o->admin_socket, e) ||
	    (o->metrics && metrics_http_open(&b->metrics_http, b, o->metrics, e)))
		return -1;
	return 0;
}

int
broker_run(struct broker *b, struct err *e)
{
	return loop_run(b->loop, e);
}

static void
drained(void *arg)
{
	struct broker *b = arg;

	loop_stop(b->loop);
}

void
broker_stop(struct broker *b)
{
	server_drain(b->server, drained, b);
}

/* Each part may still use those that were opened before it. */
int
broker_close(struct broker *b, struct err *e)
{
	int result;

	metrics_http_close(b->metrics_http);
	if (b->loop)
		admin_close(b->admin);
	if (b->transactions) {
		loop_timer_clear(b->loop, &b->transactions_timer);
		transactions_close(b->transactions);
		b->transactions = NULL;
	}
	if (b->groups) {
		loop_timer_clear(b->loop, &b->groups_timer);
		groups_close(b->groups);
	}
	server_free(b->server);
	b->server = NULL;
	client_metrics_free(b->client_metrics);
	if (b->fetch_sessions)
		fetch_sessions_free(b->fetch_sessions);
	if (b->meta)
		meta_close(b->meta);
	result = store_close(b->store, e);
	/* The disk is as bad as the rules say, up to the last sync. */
	if (b->faults)
		faults_clear(b, 0, &(struct err)ERR_INIT);
	loop_free(b->loop);
	metrics_release(&b->metrics);
	*b = (struct broker){ 0 };
	return result;
}
