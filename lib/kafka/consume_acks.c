#include "kafka/consume_acks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/group_offsets.h"
#include "model/ack.h"
#include "model/inflight.h"

enum {
	COMMIT_MS = 200,
	BARRIER_MS = 200,
	READ_MAX = 512,         /* records between two looks at the rest */
	LINE_MAX_BYTES = 4096,  /* of an acknowledgement */
	WRITE_BYTES = 4096,     /* a pipe that is writable takes PIPE_BUF */
};

struct run {
	struct consume_acks *a;
	struct consume *in;
	struct inflight window;
	struct ack_reader reader;
	int fd;                 /* of acknowledgements; -1 = at its end */
	struct buf input;
	struct buf output;
	size_t written;         /* of output */
	bool closed;            /* nobody reads our output, or it is at its end */
	bool broken;            /* nobody does, before its end */
	bool reading;
	int64_t commit_ms, barrier_ms;
	int64_t news_ms;        /* when something was done last */
	struct err refused;     /* a nack */
};

static int64_t
mono(void)
{
	return clock_mono_ms(clock_system());
}

/* A FIFO has no end until somebody has opened it: reading does not wait for that. */
static int
open_channel(struct run *x, struct err *e)
{
	const char *from = x->a->from;
	struct stat st;
	int64_t n;

	if (!strncmp(from, "fd:", 3)) {
		if (num_int(slice_str(from + 3), 3, 65535, &n, e))
			return err_wrap(e, "--ack %s", from);
		x->fd = (int)n;
		if (fcntl(x->fd, F_SETFL, fcntl(x->fd, F_GETFL) | O_NONBLOCK))
			return err_errno(e, ERR_USAGE, "--ack %s", from);
		return 0;
	}
	x->fd = open(from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (x->fd < 0)
		return err_errno(e, ERR_USAGE, "--ack '%s' (make it first: mkfifo)", from);
	if (fstat(x->fd, &st) || !S_ISFIFO(st.st_mode))
		return err_set(e, ERR_USAGE, "--ack '%s' is no FIFO (mkfifo makes one)",
			from);
	return 0;
}

/* ---- the window ------------------------------------------------------------------ */

static bool
is_full(const struct run *x)
{
	return x->window.n >= x->a->max_inflight;
}

/* Behind what is done in each partition, where that is not committed. */
static void
collect_offsets(const struct consume *in, const struct inflight *w,
	struct group_offsets *out)
{
	int n = consume_positions(in, NULL, 0);
	struct consume_position *at = xcalloc((size_t)n, sizeof(*at));

	consume_positions(in, at, n);
	for (int i = 0; i < n; i++) {
		struct slice topic = slice_str(at[i].topic);
		const struct inflight_part *part = inflight_part(w, topic,
			at[i].partition);
		/* where nothing is under way, behind control records too */
		int64_t next = part && part->n ? part->next : at[i].next;

		if (next >= 0 && next != consume_committed(in, at[i].topic,
		    at[i].partition))
			group_offsets_add(out, topic, at[i].partition, next, NULL);
	}
	free(at);
}

static int
commit(struct run *x, struct err *e)
{
	struct group_offsets offsets = { 0 };
	int result = 0;

	x->commit_ms = mono();
	collect_offsets(x->in, &x->window, &offsets);
	if (offsets.n)
		result = consume_commit_at(x->in, &offsets, e);
	for (int i = 0; i < offsets.n && !result; i++)
		consume_mark_committed(x->in, offsets.items[i].topic,
			offsets.items[i].partition, offsets.items[i].offset);
	group_offsets_release(&offsets);
	/* The group moved on: these records come again, to us or to others. */
	if (result && e->code == ERR_TEMPORARY) {
		diag_warn("%s", e->msg);
		*e = (struct err)ERR_INIT;
		result = 0;
	}
	return result;
}

static void
pop_done(struct run *x)
{
	struct inflight_item *item;

	while ((item = inflight_pop(&x->window))) {
		free(item);
		x->a->acked++;
		x->news_ms = mono();
	}
}

/* Of a partition that went away meanwhile, or said twice: nothing to do. */
static void
take_ack(struct run *x, const struct ack *a)
{
	struct inflight_item *item = inflight_find(&x->window, &a->src);

	if (a->failed) {
		if (!x->refused.code)
			err_set(&x->refused, ERR_FAILED, "'%.*s/%d/%lld' is refused "
				"downstream (nack): it comes again",
				SLICE_ARG(a->src.topic), (int)a->src.partition,
				(long long)a->src.offset);
	} else if (a->through) {
		inflight_done_through(&x->window, &a->src);
	} else if (item && !item->done) {
		inflight_done(&x->window, item);
	}
	pop_done(x);
}

static int
take_lines(struct run *x, struct err *e)
{
	struct slice rest = buf_slice(&x->input);
	size_t used = 0;

	for (;;) {
		const char *at = (const char *)rest.data + used;
		const char *lf = rest.len > used ?
			memchr(at, '\n', rest.len - used) : NULL;
		struct ack a;

		if (!lf)
			break;
		if (ack_read(&x->reader, slice_make(at, (size_t)(lf - at)), &a, e))
			return err_wrap(e, "--ack '%s'", x->a->from);
		take_ack(x, &a);
		used += (size_t)(lf - at) + 1;
	}
	buf_consume(&x->input, used);
	return x->input.len <= LINE_MAX_BYTES ? 0 : err_set(e, ERR_FORMAT,
		"--ack '%s': a line is too long", x->a->from);
}

static int
read_acks(struct run *x, short revents, struct err *e)
{
	ssize_t n = read(x->fd, buf_reserve(&x->input, 65536), 65536);

	if (n > 0) {
		x->input.len += (size_t)n;
		return take_lines(x, e);
	}
	if ((!n && revents & POLLHUP) || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(x->fd);
		x->fd = -1;
	}
	return 0;
}

/* ---- one turn -------------------------------------------------------------------- */

static void
end_output(struct run *x)
{
	close(STDOUT_FILENO);
	x->closed = true;
}

static int
write_some(struct run *x, struct err *e)
{
	size_t left = x->output.len - x->written;
	ssize_t n = write(STDOUT_FILENO, x->output.data + x->written,
		left < WRITE_BYTES ? left : WRITE_BYTES);

	if (n > 0)
		x->written += (size_t)n;
	if (x->written == x->output.len) {
		buf_clear(&x->output);
		x->written = 0;
	}
	if (n >= 0 || errno == EINTR || errno == EAGAIN)
		return 0;
	if (errno != EPIPE)
		return err_errno(e, ERR_IO, "cannot write to stdout");
	x->broken = x->closed = true;
	return 0;
}

/* Waits for acknowledgements, room in our output, records, a signal or the time. */
static int
turn(struct run *x, int64_t wait_ms, struct err *e)
{
	bool pending = x->output.len && !x->closed;
	struct pollfd fds[] = {
		{ x->fd, POLLIN, 0 },
		{ x->closed ? -1 : STDOUT_FILENO, pending ? POLLOUT : 0, 0 },
		{ x->reading && !is_full(x) ? consume_fd(x->in) : -1, POLLIN, 0 },
		{ x->reading ? sig_fd() : -1, POLLIN, 0 },
	};
	int64_t due = x->commit_ms + COMMIT_MS - mono();

	if (due < 0)
		due = 0;
	poll(fds, 4, (int)(wait_ms < due ? wait_ms : due));
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL) && !pending)
		x->broken = x->closed = true;
	else if (fds[1].revents && pending && write_some(x, e))
		return -1;
	if (fds[0].revents && read_acks(x, fds[0].revents, e))
		return -1;
	return mono() - x->commit_ms >= COMMIT_MS ? commit(x, e) : 0;
}

/* Until everything that went out is acknowledged, or the time is over. */
static int
drain(struct run *x, struct err *e)
{
	int64_t until = mono() + x->a->drain_ms;
	bool reading = x->reading;
	int result = 0;

	x->reading = false;
	while (!result && (x->window.n || (x->output.len && !x->closed)) &&
	    x->fd >= 0 && mono() < until) {
		/* What comes behind it ends with our output. */
		if (!reading && !x->output.len && !x->closed)
			end_output(x);
		result = turn(x, 100, e);
	}
	x->reading = reading;
	return result || commit(x, e) ? -1 : 0;
}

static int
on_revoke(void *user, struct err *e)
{
	return drain(user, e);
}

static void
on_gone(void *user, const char *topic, int32_t partition)
{
	struct run *x = user;
	struct inflight_item *item;

	while ((item = inflight_forget(&x->window, slice_str(topic), partition)))
		free(item);
}

/* ---- reading ----------------------------------------------------------------------- */

static int
take_record(struct run *x, struct record *r, struct err *e)
{
	const struct src at = { r->topic, r->partition, r->offset };
	struct inflight_item *item = xmalloc(sizeof(*item));

	if (!inflight_add(&x->window, &at, item)) {
		free(item);
		return err_set(e, ERR_FAILED, "'%.*s' [%d]: offset %lld came again",
			SLICE_ARG(r->topic), (int)r->partition, (long long)r->offset);
	}
	if (++x->a->records == x->a->count)
		x->reading = false;
	return x->a->write(x->a->user, r, &x->output, e);
}

static int
read_some(struct run *x, struct err *e)
{
	bool held = consume_hold_while(x->in, is_full(x));
	struct record r;

	for (int i = 0; i < READ_MAX && x->reading && (held || !is_full(x)); i++)
		switch (consume_next(x->in, 0, &r, e)) {
		case CONSUME_RECORD:
			if (take_record(x, &r, e))
				return -1;
			break;
		case CONSUME_IDLE:
			i = READ_MAX;
			break;
		case CONSUME_END:
		case CONSUME_SIGNAL:
		case CONSUME_CLOSED:
			x->reading = false;
			break;
		case CONSUME_ERROR:
			return -1;
		}
	if (x->a->barrier && (!x->reading || mono() - x->barrier_ms >= BARRIER_MS)) {
		x->a->barrier(x->a->user, x->in, &x->output);
		x->barrier_ms = mono();
	}
	return 0;
}

/* The window is full, and its first record waits for ever. */
static bool
is_stuck(const struct run *x)
{
	int64_t full_ms = consume_full_ms(x->in);

	return full_ms && full_ms >= x->a->drain_ms &&
		mono() - x->news_ms >= x->a->drain_ms;
}

static int
work(struct run *x, struct err *e)
{
	x->reading = true;
	x->commit_ms = mono();
	while (x->reading && !x->broken && !x->refused.code && x->fd >= 0 &&
	    !is_stuck(x))
		if (read_some(x, e) || turn(x, 100, e))
			return -1;
	x->reading = false;
	if (is_stuck(x) ? commit(x, e) : drain(x, e))
		return -1;
	if (x->refused.code) {
		*e = x->refused;
		return -1;
	}
	if (!x->window.n)
		return 0;
	return err_set(e, ERR_FAILED, "%lld records are not acknowledged%s: not "
		"committed, they come again%s", (long long)x->window.n,
		x->broken ? ", and nobody reads our output" : x->fd < 0 ?
		", and nobody does it any more" : "", x->a->barrier ? "" :
		" (does a filter drop lines? then --barriers)");
}

static void
release(struct run *x)
{
	/* Leaving the group takes partitions away, which is known here. */
	consume_close(x->in);
	while (x->window.parts_n) {
		struct inflight_part *p = x->window.parts[0];
		struct buf topic = BUF_INIT;

		buf_addstr(&topic, p->topic);
		on_gone(x, buf_cstr(&topic), p->partition);
		buf_release(&topic);
	}
	inflight_release(&x->window);
	ack_reader_release(&x->reader);
	buf_release(&x->input);
	buf_release(&x->output);
	if (x->fd >= 0)
		close(x->fd);
}

int
consume_with_acks(const struct conf *conf, struct consume_options *o,
	struct consume_acks *a, struct err *e)
{
	struct run x = { .a = a, .fd = -1 };
	int result = -1;

	inflight_init(&x.window);
	o->flush = on_revoke;
	o->gone = on_gone;
	o->user = &x;
	o->output_fd = -1;
	if (!open_channel(&x, e) && !consume_open(&x.in, conf, o, e))
		result = work(&x, e);
	release(&x);
	return result;
}
