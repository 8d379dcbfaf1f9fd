#include "kafka/consume_batch.h"

#include <poll.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "cli/coprocess.h"
#include "cli/sig.h"

enum { BATCH_BYTES_MAX = 256 << 20, TEMPFAIL = 75 };

static int64_t
now_mono(void)
{
	return clock_mono_ms(clock_system());
}

/* How it ended as our error; what it wrote to stderr stands there already. */
static int
judge(const struct coprocess *process, const struct consume_batch *b, int64_t n,
	struct err *e)
{
	bool later = WIFEXITED(process->status) &&
		WEXITSTATUS(process->status) == TEMPFAIL;
	struct buf how = BUF_INIT;

	if (WIFEXITED(process->status) && !WEXITSTATUS(process->status))
		return 0;
	coprocess_tell(process, &how);
	err_set(e, later ? ERR_TEMPORARY : ERR_FAILED, "'%s' %s: its %lld records "
		"are not committed, they come again", b->command[0],
		buf_cstr(&how), (long long)n);
	buf_release(&how);
	return -1;
}

/* Feeds the command and waits for its end, however long that takes. */
static int
run_command(const struct consume_batch *b, struct slice lines, int64_t n,
	struct err *e)
{
	struct coprocess process;
	struct pollfd fds[COPROCESS_FDS];
	int result;

	coprocess_init(&process);
	if (coprocess_start(&process, b->command, COPROCESS_STDOUT, e))
		return -1;
	coprocess_send(&process, lines);
	coprocess_close_input(&process);
	while (!process.ended) {
		coprocess_poll(&process, fds);
		if (poll(fds, COPROCESS_FDS, -1) > 0)
			coprocess_serve(&process, fds);
	}
	coprocess_end(&process, 0);
	result = judge(&process, b, n, e);
	coprocess_release(&process);
	return result;
}

/* 1 = more may come behind this batch, 0 = it is the last, -1. */
static int
collect(struct consume *c, const struct consume_batch *b, struct buf *lines,
	int64_t *n, struct err *e)
{
	int64_t until = INT64_MAX;
	struct record r;

	buf_clear(lines);
	*n = 0;
	while (*n < b->size && lines->len < BATCH_BYTES_MAX) {
		int64_t left = *n ? until - now_mono() : 1000;

		if (left <= 0)
			return 1;
		switch (consume_next(c, (int)(left < 1000 ? left : 1000), &r, e)) {
		case CONSUME_RECORD:
			if (b->write(b->user, &r, lines, e))
				return -1;
			if (!(*n)++)
				until = now_mono() + b->wait_ms;
			break;
		case CONSUME_IDLE:
			break;
		case CONSUME_END:
		case CONSUME_SIGNAL:
		case CONSUME_CLOSED:
			return 0;
		case CONSUME_ERROR:
			return -1;
		}
	}
	return 1;
}

int
consume_batches(struct consume *c, struct consume_batch *b, struct err *e)
{
	struct buf lines = BUF_INIT;
	int more = 1, result = 0;
	int64_t n;

	while (more && !result && !sig_caught()) {
		more = collect(c, b, &lines, &n, e);
		if (more < 0 || (n && run_command(b, buf_slice(&lines), n, e)) ||
		    consume_commit(c, e))
			result = -1;
		else
			b->records += n;
	}
	buf_release(&lines);
	return result;
}
