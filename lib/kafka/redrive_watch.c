/* redrive_watch.c - what of the records that were sent dies again. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/redriver.h"

bool
redrive_is_too_much(const struct redriver *j)
{
	return j->run->returned > 0 && (double)j->run->returned * 100 >
		j->o->abort_if_returned * (double)j->run->sent;
}

/* Returns of this run count; they are marked with the next commit. */
static int
look(struct redriver *j, const struct record *r, int64_t *seen, struct err *e)
{
	struct deadletter letter;
	struct dlq_record x = { .r = r, .d = &letter };
	struct dlq_return back;
	int is;

	arena_reset(&j->memory);
	deadletter_read(r, &letter, &j->memory);
	is = dlq_is_return(j->d, &x, &back, e);
	if (is <= 0 || back.run != ledger_run_hash(j->o->form.run))
		return is < 0 ? -1 : 0;
	++*seen;
	redrive_mark_returned(j, &x, &back);
	return 0;
}

/* Behind the end of the topic as it was when the run began. */
static struct consume_span *
new_arrivals(const struct redriver *j)
{
	int n = j->d->meta->partitions_n;
	struct consume_span *spans = xcalloc((size_t)n, sizeof(*spans));

	for (int i = 0; i < n; i++)
		spans[i] = (struct consume_span){ j->d->o.topic, i,
			ledger_run_end(j->run, i), -1 };
	return spans;
}

/* Until the time is over, all of ours are back, or too many are. */
static int
follow(struct redriver *j, struct consume *c, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t until = clock_mono_ms(clock) + j->o->watch_ms, left;
	int64_t seen = 0;
	struct record r;

	while (seen < j->run->sent &&
	       (left = until - clock_mono_ms(clock)) > 0) {
		switch (consume_next(c, left > 1000 ? 1000 : (int)left, &r, e)) {
		case CONSUME_RECORD:
			if (look(j, &r, &seen, e))
				return -1;
			break;
		case CONSUME_SIGNAL:
			return -1;
		case CONSUME_IDLE:
			break;
		default:
			return -1;
		}
	}
	return 0;
}

int
redrive_watch(struct redriver *j, struct err *e)
{
	struct consume_options o = {
		.topics = &j->d->o.topic, .topics_n = 1,
		.spans_n = j->d->meta->partitions_n,
		.isolation = "read_committed",
		.timeout_ms = j->d->o.timeout_ms, .output_fd = -1,
	};
	struct consume_span *spans = new_arrivals(j);
	struct consume *c = NULL;
	int result;

	o.spans = spans;
	diag_note("%" PRId64 " sent; watching for returns for %" PRId64 " s "
		"(Ctrl-C ends that and the run)",
		j->run->sent, j->o->watch_ms / 1000);
	result = consume_open(&c, j->d->conf, &o, e) || follow(j, c, e) ? -1 : 0;
	consume_close(c);
	free(spans);
	/* what came back stands in the ledger, whatever follows */
	if (!result && j->batch.n)
		result = redrive_commit(j, e);
	return result;
}
