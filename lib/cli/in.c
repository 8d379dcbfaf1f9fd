#include "cli/in.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "cli/sig.h"

enum {
	BLOCK = 256 << 10, /* least room for a read: stays in the second cache */
	LIMIT = 64 << 20,
};

int
in_open(struct in *in, const char *path, struct err *e)
{
	*in = (struct in){
		.fd = STDIN_FILENO,
		.name = "stdin",
		.delimiter = slice_str("\n"),
		.limit = LIMIT,
	};
	if (!strcmp(path, "-"))
		return 0;
	in->name = path;
	in->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0)
		return err_errno(e, ERR_IO, "cannot open '%s'", path);
	return 0;
}

void
in_close(struct in *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	in->fd = -1;
	buf_release(&in->buf);
}

/* The delimiter at or behind in->scanned, or NULL. */
static const uint8_t *
find_delimiter(const struct in *in)
{
	size_t n = in->buf.len - in->scanned;
	const uint8_t *p;

	if (!n || !in->delimiter.len)
		return NULL;
	p = in->buf.data + in->scanned;
	if (in->delimiter.len == 1)
		return memchr(p, *(const uint8_t *)in->delimiter.data, n);
	return memmem(p, n, in->delimiter.data, in->delimiter.len);
}

/* Remembers that no delimiter begins in the buffer; one may be cut at its end. */
static void
mark_scanned(struct in *in)
{
	size_t n = in->delimiter.len, have = in->buf.len - in->at;
	size_t keep = n ? n - 1 : 0;

	in->scanned = in->buf.len - (have < keep ? have : keep);
}

/* A line ends at `len` bytes from in->at; `used` more are its delimiter. */
static enum in_status
end_line(struct in *in, size_t len, size_t used, struct slice *line)
{
	bool too_long = in->skipping || len > in->limit;

	*line = slice_make(in->buf.data + in->at, len);
	in->at += len + used;
	in->scanned = in->at;
	in->skipping = false;
	in->line++;
	return too_long ? IN_TOO_LONG : IN_LINE;
}

/* Drops what is done with, so that a block fits behind the rest. */
static void
make_room(struct in *in)
{
	if (in->at && (in->at == in->buf.len || in->buf.cap - in->buf.len < BLOCK)) {
		buf_consume(&in->buf, in->at);
		in->scanned -= in->at;
		in->at = 0;
	}
	buf_reserve(&in->buf, BLOCK);
}

/* IN_LINE when the buffer grew or the end was seen. */
static enum in_status
fill(struct in *in, int timeout_ms, struct err *e)
{
	struct pollfd fds[2] = { { in->fd, POLLIN, 0 }, { sig_fd(), POLLIN, 0 } };
	ssize_t n;

	make_room(in);
	for (;;) {
		int ready = sig_caught() ? 0 : poll(fds, 2, timeout_ms);

		if (sig_caught())
			return IN_SIGNAL;
		if (!ready)
			return IN_IDLE;
		if (ready < 0 && errno != EINTR)
			break;
		if (ready < 0)
			continue;
		n = read(in->fd, in->buf.data + in->buf.len,
			in->buf.cap - in->buf.len);
		if (n >= 0) {
			in->buf.len += (size_t)n;
			in->eof = !n;
			return IN_LINE;
		}
		if (errno != EINTR && errno != EAGAIN)
			break;
	}
	err_errno(e, ERR_IO, "cannot read '%s'", in->name);
	return IN_ERROR;
}

/* An empty file without a delimiter is an empty line. */
static bool
is_whole(const struct in *in)
{
	return !in->delimiter.len && !in->line;
}

enum in_status
in_next(struct in *in, int timeout_ms, struct slice *line, struct err *e)
{
	for (;;) {
		const uint8_t *end = find_delimiter(in);
		enum in_status status;
		size_t rest;

		if (end)
			return end_line(in, (size_t)(end - in->buf.data) - in->at,
				in->delimiter.len, line);
		rest = in->buf.len - in->at;
		if (in->eof)
			return rest || in->skipping || is_whole(in) ?
				end_line(in, rest, 0, line) : IN_EOF;
		mark_scanned(in);
		if (in->skipping || rest > in->limit) {
			in->skipping = true;
			in->at = in->scanned;
		}
		status = fill(in, timeout_ms, e);
		if (status != IN_LINE)
			return status;
	}
}

bool
in_has_line(const struct in *in)
{
	return in->eof || find_delimiter(in);
}

int
in_each(const char *path, int (*fn)(void *arg, struct slice line, struct err *e),
	void *arg, struct err *e)
{
	struct in in = { 0 };
	struct slice line;
	enum in_status s = IN_LINE;

	if (in_open(&in, path, e))
		return -1;
	while (s == IN_LINE) {
		s = in_next(&in, -1, &line, e);
		if (s == IN_LINE && fn(arg, line, e))
			s = IN_ERROR;
		else if (s == IN_TOO_LONG)
			err_set(e, ERR_FORMAT, "the line is too long");
	}
	if (s != IN_EOF && e->code)
		err_wrap(e, "%s line %" PRId64, in.name, in.line);
	in_close(&in);
	return s == IN_EOF ? 0 : -1;
}
