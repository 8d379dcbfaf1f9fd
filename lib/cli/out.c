#include "cli/out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/term.h"

/* What a pipe or a disk takes at its best speed, and a cache keeps. */
enum { LIMIT = 128 << 10 };

void
out_init(struct out *o, int fd)
{
	*o = (struct out){ .fd = fd, .limit = LIMIT, .unbuffered = term_is_tty(fd) };
}

static const char *
out_name(const struct out *o)
{
	return o->fd == STDOUT_FILENO ? "stdout" : "the output";
}

static int
closed(struct out *o, struct err *e)
{
	o->closed = true;
	if (o->fd == STDOUT_FILENO)
		diag_pipe_closed();
	return err_set(e, ERR_IO, "%s was closed by its reader", out_name(o));
}

int
out_flush(struct out *o, struct err *e)
{
	size_t done = 0;

	if (o->closed)
		return closed(o, e);
	while (done < o->buf.len) {
		ssize_t n = write(o->fd, o->buf.data + done, o->buf.len - done);

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EAGAIN) /* somebody made our stdout non-blocking */
			poll(&(struct pollfd){ o->fd, POLLOUT, 0 }, 1, -1);
		else if (errno != EINTR)
			break;
	}
	if (done == o->buf.len) {
		buf_clear(&o->buf);
		return 0;
	}
	buf_consume(&o->buf, done);
	if (errno == EPIPE)
		return closed(o, e);
	return err_errno(e, ERR_IO, "cannot write to %s", out_name(o));
}

int
out_maybe_flush(struct out *o, struct err *e)
{
	if (o->buf.len < o->limit && !(o->unbuffered && o->buf.len))
		return 0;
	return out_flush(o, e);
}

bool
out_is_closed(const struct out *o)
{
	return o->closed;
}

int
out_close(struct out *o, struct err *e)
{
	int result = out_flush(o, e);

	if (close(o->fd) && !result)
		result = err_errno(e, ERR_IO, "cannot write to %s", out_name(o));
	buf_release(&o->buf);
	o->fd = -1;
	return result;
}
