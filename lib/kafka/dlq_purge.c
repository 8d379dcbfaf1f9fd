#include "kafka/dlq_purge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/out.h"
#include "kafka/dlq_write.h"
#include "model/envelope.h"

static const int64_t keep_ms = INT64_C(30) * 24 * 3600 * 1000;
enum { BATCH_CHANGES = 10000 };

struct job {
	struct dlq *d;
	const struct dlq_purge_options *o;
	struct ledger_run *run;
	int64_t *to;            /* by partition: what lies before it goes */
	bool *closed;           /* one that stays was found */
	struct out archive;
	struct dlq_batch batch;
	struct arena memory;
	int64_t now_ms;
};

/* ---- what goes ---- */

static bool
stays(const struct job *j, const struct dlq_record *x)
{
	if (!j->o->all && x->state == LEDGER_OPEN)
		return true;
	return j->o->before_ms >= 0 && x->r->has_timestamp &&
		x->r->timestamp >= j->o->before_ms;
}

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;
	int32_t p = x->r->partition;

	(void)e;
	if (!j->closed[p] && stays(j, x)) {
		j->closed[p] = true;
		j->to[p] = x->r->offset;
	}
	if (j->closed[p])
		return DLQ_SCAN_ON;
	j->run->selected++;
	return DLQ_SCAN_ON;
}

static int
find_prefix(struct job *j, struct err *e)
{
	const struct dlq_scan s = { .from_start = true, .record = on_record,
		.arg = j };

	for (int i = 0; i < j->d->meta->partitions_n; i++)
		j->to[i] = j->d->meta->partitions[i].end;
	return dlq_scan(j->d, &s, e);
}

/* ---- the archive ---- */

static enum dlq_scan_status
on_archive(void *arg, const struct dlq_record *x, struct err *e)
{
	struct job *j = arg;

	envelope_write(&j->archive.buf, x->r, 0);
	return out_maybe_flush(&j->archive, e) ? DLQ_SCAN_FAIL : DLQ_SCAN_ON;
}

static int
archive(struct job *j, struct err *e)
{
	const struct dlq_scan s = { .from_start = true, .ends = j->to,
		.record = on_archive, .arg = j };
	int fd = open(j->o->archive, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return err_errno(e, errno == EEXIST ? ERR_EXISTS : ERR_IO,
			"cannot make the archive '%s'", j->o->archive);
	out_init(&j->archive, fd);
	result = dlq_scan(j->d, &s, e) || out_flush(&j->archive, e) ? -1 : 0;
	if (!result && fsync(fd))
		result = err_errno(e, ERR_IO, "cannot sync '%s'", j->o->archive);
	if (out_close(&j->archive, result ? &(struct err)ERR_INIT : e))
		result = -1;
	return result ? err_wrap(e, "nothing is deleted") : 0;
}

/* ---- the ledger ---- */

static int
commit(struct job *j, struct err *e)
{
	const struct dlq_commit o = { .run = j->run };

	return dlq_commit(j->d, &j->batch, &o, e);
}

static bool
may_be_forgotten(const struct job *j, const struct ledger_entry *x)
{
	return x->partition < j->d->meta->partitions_n &&
		x->offset < j->to[x->partition] &&
		(!x->redrives || x->at < j->now_ms - keep_ms);
}

static int
take_entry(void *arg, struct slice key, struct slice value, struct err *e)
{
	struct job *j = arg;
	struct ledger_entry x;
	struct slice id;

	if (ledger_run_is_key(key, &id) || slice_is_null(value))
		return 0;
	arena_reset(&j->memory);
	if (ledger_entry_read(key, value, &j->memory, &x, e))
		return -1;
	if (!may_be_forgotten(j, &x))
		return 0;
	dlq_batch_add(&j->batch, &x, NULL)->forget = true;
	return j->batch.n >= BATCH_CHANGES ? commit(j, e) : 0;
}

/* A file only grows: there nothing is forgotten. */
static int
forget(struct job *j, struct err *e)
{
	const struct ledger_sink sink = { take_entry, j };

	if (!j->d->file && ledger_topic_read(j->d->conf, j->d->ledger_topic,
	    j->d->o.timeout_ms, &sink, e))
		return -1;
	for (int i = 0; i < j->d->meta->partitions_n; i++)
		ledger_start(&j->d->ledger, i, j->to[i]);
	j->run->state = slice_str("done");
	j->run->until = clock_wall_ms(clock_system());
	return commit(j, e);
}

static int
purge(struct job *j, struct err *e)
{
	/* Kafka's own answer to that comes after the archive is written. */
	if (admin_check_deletes(j->d->client, j->d->o.topic, j->d->o.timeout_ms, e))
		return err_wrap(e, "'%s'", j->d->o.topic);
	if (find_prefix(j, e))
		return -1;
	if (!j->run->selected || j->o->dry_run)
		return 0;
	if (j->o->archive && archive(j, e))
		return -1;
	if (admin_delete_records(j->d->client, j->d->meta, j->to,
	    j->d->o.timeout_ms, e))
		return err_wrap(e, "cannot delete records of '%s'", j->d->o.topic);
	return forget(j, e);
}

int
dlq_purge(struct dlq *d, const struct dlq_purge_options *o,
	struct ledger_run *run, struct err *e)
{
	struct job j = { .d = d, .o = o, .run = run,
		.now_ms = clock_wall_ms(clock_system()) };
	size_t n = (size_t)d->meta->partitions_n;
	int result;

	j.to = xcalloc(n, sizeof(*j.to));
	j.closed = xcalloc(n, sizeof(*j.closed));
	result = purge(&j, e);
	free(j.to);
	free(j.closed);
	dlq_batch_release(&j.batch);
	arena_release(&j.memory);
	return result;
}
