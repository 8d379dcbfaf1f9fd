/*
 * command.c - records to those who say what is done: handlers, a command that
 * takes batches, and the end of a pipeline.
 */
#include <stdio.h>

#include "cli/sig.h"
#include "kafka/consume_acks.h"
#include "kafka/consume_batch.h"
#include "kafka/pipeline.h"
#include "model/envelope.h"

#include "run.h"

static int
write_to(void *user, struct record *r, struct buf *out, struct err *e)
{
	struct run *run = user;
	int result;

	buf_clear(&run->out.buf);
	result = form_write(run, r, e);
	buf_addslice(out, buf_slice(&run->out.buf));
	buf_clear(&run->out.buf);
	return result;
}

static int
no_flush(void *user, struct err *e)
{
	(void)user;
	(void)e;
	return 0;
}

static void
no_gone(void *user, const char *topic, int32_t partition)
{
	(void)user;
	(void)topic;
	(void)partition;
}

int
command_batches(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	struct consume_batch b = {
		.command = run->a->command, .size = run->a->count,
		.wait_ms = run->a->batch_ms, .write = write_to, .user = run,
	};
	int result;

	o->flush = no_flush;
	o->gone = no_gone;
	o->output_fd = -1;
	run->terminal = false;
	if (consume_open(&run->in, conf, o, e))
		return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
	result = consume_batches(run->in, &b, e);
	if (run->a->summary)
		lines_summary(run, result ? "error" : sig_caught() ? "signal" : "end");
	return !result && !b.records && run->a->fail_empty && !sig_caught() ?
		err_set(e, ERR_NO, "no records") : result;
}

static void
write_barrier_to(void *user, struct consume *in, struct buf *out)
{
	struct run *run = user;

	run->in = in;
	if (!run->origin.len)
		lines_origin(run);
	lines_barrier(run);
	run->in = NULL;
	buf_addslice(out, buf_slice(&run->out.buf));
	buf_clear(&run->out.buf);
}

int
command_acks(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	const struct args *a = run->a;
	struct consume_acks acks = {
		.from = a->ack, .max_inflight = a->max_inflight,
		.drain_ms = a->drain_ms, .count = a->count, .write = write_to,
		.barrier = a->barriers ? write_barrier_to : NULL, .user = run,
	};
	int result;

	run->terminal = false;
	result = consume_with_acks(conf, o, &acks, e);
	if (a->summary)
		fprintf(stderr, "{\"records\":%lld,\"acked\":%lld}\n",
			(long long)acks.records, (long long)acks.acked);
	if (!result && !acks.records && a->fail_empty && !sig_caught())
		return err_set(e, ERR_NO, "no records");
	return result;
}

static void
print_totals(const struct pipeline_totals *t)
{
	fprintf(stderr, "{\"records\":%lld,\"committed\":%lld,\"dead\":%lld,"
		"\"restarts\":%lld}\n", (long long)t->records,
		(long long)t->committed, (long long)t->dead, (long long)t->restarts);
}

int
command_exec(struct run *run, const struct conf *conf, struct consume_options *o,
	struct err *e)
{
	const struct args *a = run->a;
	struct breaker breaker = { 0 };
	struct pipeline_totals t = { 0 };
	struct buf id = BUF_INIT;
	const char *given = conf_get(conf, "transactional.id");
	struct pipeline_options p = {
		.command = a->exec, .max_inflight = a->max_inflight,
		.flags = run->flags | ENVELOPE_SRC, .to = a->to, .out = &run->out,
		.dlq = a->dlq, .scheme = DEADLETTER_KC, .breaker = &breaker,
		.count = a->count, .timeout_ms = o->timeout_ms,
		.dispatch = { .workers = (int)a->workers,
			.retries = (int)a->retries, .backoff_ms = a->retry_ms,
			.backoff_max_ms = 60000, .answer_ms = a->answer_ms,
			.ahead = a->max_inflight < 200 ? (int)a->max_inflight : 200 },
	};
	int result = -1;

	buf_addf(&id, "kc-consume.%s", a->group);
	if (a->txn)
		p.transactional_id = given ? given : buf_cstr(&id);
	if (breaker_parse(&breaker, slice_str(a->breaker), e) || (a->dlq_scheme &&
	    deadletter_scheme_parse(a->dlq_scheme, &p.scheme, e)))
		goto out;
	result = pipeline_run(conf, o, &p, &t, e);
	if (a->summary)
		print_totals(&t);
	if (result && e->code == ERR_PARTIAL && t.dead && a->ok_if_dlq &&
	    !breaker_tripped(&breaker))
		result = 0;
	if (!result && !t.records && a->fail_empty && !sig_caught())
		result = err_set(e, ERR_NO, "no records");
	if (sig_caught() && e->code == ERR_TEMPORARY)
		e->code = ERR_NONE;
out:
	breaker_release(&breaker);
	buf_release(&id);
	return result;
}
