#include "kafka/sink_acks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/json.h"
#include "cli/out.h"
#include "cli/sig.h"
#include "model/ack.h"
#include "model/inflight.h"

enum { STEP_MS = 20 };

/* A line whose record is under way. */
struct line {
	struct inflight_item at;
	char *src;
	bool refused;
};

struct sink_acks {
	struct out out;
	struct inflight window; /* lines, as one partition's offsets */
	char *last;             /* src of the last line that is done; NULL = told */
	bool refused;           /* a record was */
};

static const struct src place_of_lines = { { "line", 4 }, 0, 0 };

static int
open_fifo(const char *path, int timeout_ms, struct err *e)
{
	int64_t until = clock_mono_ms(clock_system()) +
		(timeout_ms < 0 ? 30000 : timeout_ms);
	int fd;

	while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 &&
	    errno == ENXIO) {
		if (sig_caught() || clock_mono_ms(clock_system()) >= until)
			return err_set(e, ERR_TEMPORARY, "--ack '%s': nobody reads it "
				"(kc-consume --ack does)", path);
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, STEP_MS);
	}
	if (fd < 0)
		return err_errno(e, ERR_USAGE, "--ack '%s' (make it first: mkfifo)",
			path);
	fcntl(fd, F_SETFL, 0);
	return fd;
}

int
sink_acks_open(struct sink_acks **out, const char *to, int timeout_ms,
	struct err *e)
{
	struct sink_acks *s;
	int64_t n;
	int fd;

	if (strncmp(to, "fd:", 3)) {
		fd = open_fifo(to, timeout_ms, e);
		if (fd < 0)
			return -1;
	} else {
		if (num_int(slice_str(to + 3), 3, 65535, &n, e))
			return err_wrap(e, "--ack %s", to);
		fd = (int)n;
	}
	s = xcalloc(1, sizeof(*s));
	out_init(&s->out, fd);
	inflight_init(&s->window);
	*out = s;
	return 0;
}

static struct line *
line_of(struct inflight_item *item)
{
	return container_of(item, struct line, at);
}

int
sink_acks_take(struct sink_acks *s, int64_t number, struct slice src, struct err *e)
{
	struct src at = place_of_lines, ignored;
	struct line *l;

	if (slice_is_null(src))
		return err_set(e, ERR_FORMAT, "the line has no src (kc-consume --ack "
			"writes it, and filters must keep it)");
	if (src_parse(src, &ignored, e))
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->src = xmemdup0(src.data, src.len);
	at.offset = number;
	inflight_add(&s->window, &at, &l->at);
	return 0;
}

static void
put(struct sink_acks *s, const char *src, bool failed)
{
	struct ack a = { .failed = failed };
	struct err ignored;

	/* It was read before. */
	if (!src_parse(slice_str(src), &a.src, &ignored))
		ack_write(&s->out.buf, &a);
}

static void
put_last(struct sink_acks *s)
{
	if (s->last)
		put(s, s->last, false);
	free(s->last);
	s->last = NULL;
}

/* In the order of the lines: then the last of a record is told from the others. */
static void
pop_done(struct sink_acks *s)
{
	struct inflight_item *item;

	while ((item = inflight_pop(&s->window))) {
		struct line *l = line_of(item);

		if (s->last && strcmp(s->last, l->src))
			put_last(s);
		free(s->last);
		s->last = s->refused ? NULL : l->src;
		if (l->refused && !s->refused) {
			put(s, l->src, true);
			s->refused = true;
			s->last = NULL;
		}
		if (s->last != l->src)
			free(l->src);
		free(l);
	}
}

static void
settle(struct sink_acks *s, int64_t number, bool refused)
{
	struct src at = place_of_lines;
	struct inflight_item *item;

	at.offset = number;
	item = inflight_find(&s->window, &at);
	if (item && !item->done) {
		line_of(item)->refused = refused;
		inflight_done(&s->window, item);
	}
	pop_done(s);
}

void
sink_acks_done(struct sink_acks *s, int64_t number)
{
	settle(s, number, false);
}

void
sink_acks_refuse(struct sink_acks *s, int64_t number)
{
	settle(s, number, true);
}

/* "topic/partition": offset */
static int
pass(struct sink_acks *s, const struct json *next, struct err *e)
{
	struct ack a = { .through = true };
	struct buf text = BUF_INIT;
	int64_t offset = -1;
	int result = 0;

	json_int(next, &offset);
	buf_addf(&text, "%s/%lld", json_name(next), (long long)offset - 1);
	if (offset > 0) {
		result = src_parse(buf_slice(&text), &a.src, e);
		if (!result)
			ack_write(&s->out.buf, &a);
	}
	buf_release(&text);
	return result;
}

int
sink_acks_barrier(struct sink_acks *s, struct slice kc, struct err *e)
{
	struct json *j = json_parse(kc, e);
	const struct json *next = json_get(j, "next");
	int result = 0;

	if (!j)
		return err_wrap(e, "member kc");
	if (!json_is_object(next))
		result = err_set(e, ERR_FORMAT, "no value and no json, and no barrier");
	if (!s->window.n && !s->refused) {
		put_last(s);
		for (next = json_first(next); next && !result; next = json_next(next))
			result = pass(s, next, e);
	}
	json_free(j);
	return result ? -1 : sink_acks_flush(s, false, e);
}

int
sink_acks_flush(struct sink_acks *s, bool last, struct err *e)
{
	if (last && !s->window.n)
		put_last(s);
	if (out_flush(&s->out, e))
		return err_wrap(e, "--ack");
	return out_is_closed(&s->out) ? err_set(e, ERR_FAILED, "--ack: the reader is "
		"gone: what is sent from here on is not committed") : 0;
}

void
sink_acks_close(struct sink_acks *s)
{
	struct inflight_item *item;

	if (!s)
		return;
	while ((item = inflight_forget(&s->window, place_of_lines.topic, 0))) {
		struct line *l = line_of(item);

		free(l->src);
		free(l);
	}
	inflight_release(&s->window);
	free(s->last);
	close(s->out.fd);
	buf_release(&s->out.buf);
	free(s);
}
