/*
 * dlq_target.c - where copies go: the cluster of the dead letters, or another
 * one, which no transaction of this one reaches.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "kafka/dlq_writer.h"

struct dlq_target
dlq_target_here(struct dlq *d)
{
	return (struct dlq_target){ NULL, d->conf, d->client, &d->topics,
		d->producer };
}

static int
open_other(struct dlq *d, struct dlq_target *t, struct err *e)
{
	int timeout_ms = d->o.timeout_ms;

	t->conf = d->o.to_conf;
	t->topics = &d->other_topics;
	if (client_open(&t->client, t->conf, CLIENT_OFFSETS, NULL, e) ||
	    client_wait(t->client, timeout_ms, e) ||
	    admin_topics(t->client, timeout_ms, t->topics, e))
		return -1;
	t->cluster = client_cluster_id(t->client, timeout_ms);
	return t->cluster ? 0 : err_set(e, ERR_TEMPORARY, "the brokers do not tell "
		"their cluster id");
}

int
dlq_target_open(struct dlq *d, struct err *e)
{
	if (!d->o.to_conf) {
		d->target = dlq_target_here(d);
		return 0;
	}
	if (!open_other(d, &d->target, e))
		return 0;
	return e->code ? err_wrap(e, "--to-cluster") : -1;
}

int
dlq_target_produce(struct dlq *d, const struct producer_options *o, struct err *e)
{
	if (!d->o.to_conf) {
		d->target.producer = d->producer;
		return 0;
	}
	if (!producer_open(&d->target.producer, d->o.to_conf, o, e))
		return 0;
	return e->code ? err_wrap(e, "--to-cluster") : -1;
}

void
dlq_target_close(struct dlq *d)
{
	if (!d->o.to_conf)
		return;
	producer_close(d->target.producer);
	client_close(d->target.client);
	admin_topics_release(&d->other_topics);
	free(d->target.cluster);
}

int
dlq_target_of(struct dlq *d, const struct ledger_run *run, struct dlq_target *out,
	struct err *e)
{
	*out = slice_is_null(run->cluster) ? dlq_target_here(d) : d->target;
	if (slice_is_null(run->cluster) || (out->cluster &&
	    slice_eq_str(run->cluster, out->cluster)))
		return 0;
	return err_set(e, ERR_FAILED, "it did not end, and what it sent must be "
		"looked for in the cluster '%.*s' (kc-dlq redrive --to-cluster "
		"does)", SLICE_ARG(run->cluster));
}
