/*
 * lines.c - records to stdout. A group commits only what was written, and
 * --barriers tell kc-produce --commit-group how far the reading is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/client.h"
#include "model/envelope.h"
#include "model/record_where.h"

#include "run.h"

int
lines_flush(void *user, struct err *e)
{
	struct run *run = user;

	return out_flush(&run->out, e);
}

/*
 * Commits what was written, now and then. A group that rebalances meanwhile
 * is no reason to stop: its partitions are taken from us, or we try again.
 */
static int
commit_sometimes(struct run *run, struct err *e)
{
	int64_t now;

	if (!run->a->group)
		return 0;
	now = clock_mono_ms(clock_system());
	if (now - run->committed_ms < COMMIT_MS)
		return 0;
	run->committed_ms = now;
	if (out_flush(&run->out, e))
		return -1;
	if (!consume_commit(run->in, e))
		return 0;
	if (e->code != ERR_TEMPORARY)
		return -1;
	diag_warn("%s", e->msg);
	*e = (struct err)ERR_INIT;
	return 0;
}

/* How far the reading is, when it is further than at the last one. */
void
lines_barrier(struct run *run)
{
	int n = consume_positions(run->in, NULL, 0);
	struct consume_position *at = xcalloc((size_t)n, sizeof(*at));
	struct buf line = BUF_INIT;

	consume_positions(run->in, at, n);
	buf_addstr(&line, "{\"kc\":");
	buf_add(&line, run->origin.data, run->origin.len - 1);
	buf_addstr(&line, ",\"next\":{");
	for (int i = 0; i < n; i++)
		buf_addf(&line, "%s\"%s/%d\":%lld", i ? "," : "", at[i].topic,
			(int)at[i].partition, (long long)at[i].next);
	buf_addstr(&line, "}}}\n");
	if (!slice_eq(buf_slice(&line), buf_slice(&run->barrier))) {
		buf_addslice(&run->out.buf, buf_slice(&line));
		buf_clear(&run->barrier);
		buf_addslice(&run->barrier, buf_slice(&line));
	}
	run->barrier_ms = clock_mono_ms(clock_system());
	buf_release(&line);
	free(at);
}

bool
lines_wanted(const struct run *run, const struct record *r)
{
	int i = 0;

	while (i < run->where_n && record_where_matches(&run->where[i], r))
		i++;
	return i == run->where_n;
}

/* What is not asked for each record: the clock, and the output of few. */
static int
now_and_then(struct run *run, struct err *e)
{
	if ((run->where_n && out_flush(&run->out, e)) || commit_sometimes(run, e))
		return -1;
	if (run->a->barriers && clock_mono_ms(clock_system()) -
	    run->barrier_ms >= COMMIT_MS)
		lines_barrier(run);
	return 0;
}

/* Until something ends it: its name for the summary, or NULL and *e. */
static const char *
copy_records(struct run *run, struct err *e)
{
	struct record r;

	for (;;) {
		/* With lines pending, only look; without, wait for more. */
		int wait = run->out.buf.len ? 0 : run->a->group ? COMMIT_MS : -1;

		switch (consume_next(run->in, wait, &r, e)) {
		case CONSUME_RECORD:
			if (lines_wanted(run, &r)) {
				if (form_write(run, &r, e) ||
				    out_maybe_flush(&run->out, e))
					return NULL;
				if (++run->records == run->a->count)
					return "count";
			}
			if (++run->read % 1024 == 0 && now_and_then(run, e))
				return NULL;
			break;
		case CONSUME_IDLE:
			if (run->a->barriers)
				lines_barrier(run);
			if (out_flush(&run->out, e) || commit_sometimes(run, e))
				return NULL;
			break;
		case CONSUME_END:
			return "end";
		case CONSUME_SIGNAL:
			return "signal";
		case CONSUME_CLOSED:
			run->out.closed = true;
			out_flush(&run->out, e);
			return NULL;
		case CONSUME_ERROR:
			return NULL;
		}
	}
}

void
lines_summary(const struct run *run, const char *why)
{
	struct buf text = BUF_INIT;

	consume_summary(run->in, why ? why : "error", &text);
	buf_addc(&text, '\n');
	fputs(buf_cstr(&text), stderr);
	buf_release(&text);
}

/* Writes out and commits what was read, whatever ended the reading. */
static int
finish(struct run *run, const char *why, struct err *e)
{
	struct err later = ERR_INIT;
	int result = why ? 0 : -1;

	if (!result && run->a->barriers)
		lines_barrier(run);
	/* When it was the output that failed, nothing more can be written. */
	if (out_flush(&run->out, &later) || consume_commit(run->in, &later)) {
		if (!result)
			*e = later;
		result = -1;
	}
	if (run->a->summary)
		lines_summary(run, why);
	if (!result && !run->records && run->a->fail_empty && !sig_caught())
		return err_set(e, ERR_NO, "no records");
	return result;
}

/* So that kc-produce --commit-group sees where it would commit. */
void
lines_origin(struct run *run)
{
	char *cluster = client_cluster_id(consume_client(run->in), TIMEOUT_MS);

	buf_addstr(&run->origin, "{\"cluster\":");
	envelope_put_bytes(&run->origin, slice_str(cluster));
	buf_addstr(&run->origin, ",\"group\":");
	envelope_put_bytes(&run->origin, slice_str(run->a->from_group ?
		run->a->from_group : run->a->group));
	buf_addc(&run->origin, '}');
	free(cluster);
}

int
lines_run(struct run *run, const struct conf *conf,
	const struct consume_options *o, struct err *e)
{
	const char *why;

	if (consume_open(&run->in, conf, o, e))
		return sig_caught() ? (e->code = ERR_NONE, -1) : -1;
	if (run->a->from_group)
		lines_origin(run);
	run->committed_ms = clock_mono_ms(clock_system());
	why = copy_records(run, e);
	return finish(run, why, e);
}
