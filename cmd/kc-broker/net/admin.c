#include "net/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin_address.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "broker.h"
#include "log.h"
#include "net/faults.h"
#include "shift.h"
#include "status.h"

enum { COMMAND_MAX = 16 << 10, PEERS_MAX = 16 };

/* One command that is being asked or answered. */
struct peer {
	struct loop_io io;
	struct admin *admin;
	struct list node;
	struct buf in, out;
};

struct admin {
	struct loop_io io;
	struct broker *broker;
	char *path;
	struct list peers;
	int peers_n;
};

/* ---- commands ------------------------------------------------------------- */

static int
fault_add(struct broker *b, const char *rest, struct buf *out, struct err *e)
{
	int id = faults_add(b, rest, e);

	if (id < 0)
		return -1;
	buf_addf(out, "%d\n", id);
	return 0;
}

static int
fault_list(struct broker *b, const char *rest, struct buf *out, struct err *e)
{
	(void)rest;
	(void)e;
	faults_list(b, out);
	return 0;
}

static int
fault_clear(struct broker *b, const char *rest, struct buf *out, struct err *e)
{
	int64_t id = 0;

	(void)out;
	if (*rest && num_int(slice_str(rest), 1, INT32_MAX, &id, e))
		return err_wrap(e, "fault rule '%s'", rest);
	return faults_clear(b, (int)id, e);
}

static int
fault_clock(struct broker *b, const char *rest, struct buf *out, struct err *e)
{
	char text[NUM_TIME_TEXT];
	int64_t ms;

	if ((*rest != '+' && *rest != '-') ||
	    num_duration(slice_str(rest + 1), &ms, e))
		return err_set(e, ERR_USAGE,
			"'%s' is no step of the clock (as in +1d or -30s)", rest);
	shift_move(b->shift, *rest == '-' ? -ms : ms);
	log_warn("the clock was moved by=%s (restart to set it right)", rest);
	buf_addf(out, "%s\n", num_time_text(clock_wall_ms(b->clock), text));
	return 0;
}

static int
status(struct broker *b, const char *rest, struct buf *out, struct err *e)
{
	(void)rest;
	(void)e;
	status_write(b, out);
	return 0;
}

static const struct command {
	const char *words;
	int (*run)(struct broker *b, const char *rest, struct buf *out, struct err *e);
} commands[] = {
	{ "status", status },
	{ "fault add", fault_add },
	{ "fault list", fault_list },
	{ "fault clear", fault_clear },
	{ "fault clock", fault_clock },
};

static void
run(struct broker *b, const char *line, struct buf *out)
{
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	int result = err_set(&e, ERR_USAGE, "unknown command '%s'", line);

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		size_t n = strlen(commands[i].words);

		if (!strncmp(line, commands[i].words, n) &&
		    (!line[n] || line[n] == ' ')) {
			e = (struct err)ERR_INIT;
			result = commands[i].run(b, line + n + (line[n] == ' '),
				&text, &e);
			break;
		}
	}
	buf_addf(out, "%d\n", result ? err_status(e.code) : 0);
	if (result)
		buf_addf(out, "%s\n", e.msg);
	else
		buf_addslice(out, buf_slice(&text));
	buf_release(&text);
}

/* ---- the socket ----------------------------------------------------------- */

static void
peer_close(struct peer *p)
{
	loop_io_del(p->admin->broker->loop, &p->io);
	close(p->io.fd);
	list_remove(&p->node);
	p->admin->peers_n--;
	buf_release(&p->in);
	buf_release(&p->out);
	free(p);
}

static void
peer_send(struct peer *p)
{
	ssize_t n = send(p->io.fd, p->out.data, p->out.len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	else if (n <= 0 || (size_t)n == p->out.len) {
		peer_close(p);
		return;
	}
	buf_consume(&p->out, (size_t)n);
	loop_io_set(p->admin->broker->loop, &p->io, EPOLLOUT);
}

static void
peer_ready(struct loop_io *io, uint32_t events)
{
	struct peer *p = container_of(io, struct peer, io);
	char *end;
	ssize_t n;

	(void)events;
	if (p->out.len) {
		peer_send(p);
		return;
	}
	n = recv(io->fd, buf_reserve(&p->in, 4096), 4096, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || p->in.len + (size_t)n > COMMAND_MAX) {
		peer_close(p);
		return;
	}
	p->in.len += (size_t)n;
	end = memchr(p->in.data, '\n', p->in.len);
	if (!end)
		return;
	*end = '\0';
	run(p->admin->broker, (const char *)p->in.data, &p->out);
	peer_send(p);
}

static void
accept_ready(struct loop_io *io, uint32_t events)
{
	struct admin *a = container_of(io, struct admin, io);
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct err e = ERR_INIT;
	struct peer *p;

	(void)events;
	if (fd < 0)
		return;
	if (a->peers_n >= PEERS_MAX) {
		close(fd);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->admin = a;
	p->io = (struct loop_io){ fd, EPOLLIN, peer_ready };
	list_append(&a->peers, &p->node);
	a->peers_n++;
	if (loop_io_add(a->broker->loop, &p->io, &e))
		peer_close(p);
}

static int
bind_socket(struct admin *a, struct err *e)
{
	struct sockaddr_un address;
	int dir = admin_address(a->path, &address, e), result = 0;
	mode_t old;

	if (dir < 0)
		return -1;
	if (!connect(a->io.fd, (struct sockaddr *)&address, sizeof(address))) {
		close(dir);
		return err_set(e, ERR_FAILED,
			"another kc-broker listens on the socket '%s' (try: --admin-socket FILE)",
			a->path);
	}
	unlink(address.sun_path);
	old = umask(0177);
	if (bind(a->io.fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(a->io.fd, PEERS_MAX))
		result = err_errno(e, ERR_FAILED,
			"cannot listen on the socket '%s' (try: --admin-socket FILE)",
			a->path);
	umask(old);
	close(dir);
	return result;
}

int
admin_open(struct admin **out, struct broker *b, const char *path, struct err *e)
{
	struct admin *a = xcalloc(1, sizeof(*a));
	struct stat st;

	*out = a;
	a->broker = b;
	list_init(&a->peers);
	a->io = (struct loop_io){ -1, EPOLLIN, accept_ready };
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is there and is no socket", path);
	a->path = xstrdup(path);
	a->io.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->io.fd < 0)
		return err_errno(e, ERR_FAILED, "cannot make a socket");
	return bind_socket(a, e) ? -1 : loop_io_add(b->loop, &a->io, e);
}

void
admin_close(struct admin *a)
{
	if (!a)
		return;
	while (!list_is_empty(&a->peers))
		peer_close(container_of(a->peers.next, struct peer, node));
	if (a->io.fd >= 0) {
		loop_io_del(a->broker->loop, &a->io);
		close(a->io.fd);
		unlink(a->path);
	}
	free(a->path);
	free(a);
}
