/* kc-broker - a Kafka broker for one machine: options, configuration, run. See kc-broker(8). */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "broker.h"
#include "cli/diag.h"
#include "cli/opt.h"
#include "ephemeral.h"
#include "log.h"
#include "net/server.h"
#include "api/release.h"
#include "options.h"
#include "shift.h"

/* What runs; `signals` first needs the others. */
struct run {
	struct broker broker;
	struct shift shift;
	struct loop_io signals;
	sigset_t old_mask;
	struct rlimit files;
	pid_t child;     /* 0 = none */
	int status;      /* of the child */
	int ended_by;    /* the signal that stops us, 0 = none */
};

/* ---- announcing ----------------------------------------------------------- */

static int
write_all(int fd, const char *text)
{
	size_t n = strlen(text);

	return write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

static int
write_pid(const char *path, struct err *e)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int bad;

	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	bad = fd < 0 || write_all(fd, text);
	if (fd >= 0 && close(fd))
		bad = 1;
	return bad ? err_errno(e, ERR_IO, "cannot write pid file '%s'", path) : 0;
}

static int
announce(const struct server *s, const struct args *a, const char *dir,
	struct err *e)
{
	struct buf all = BUF_INIT;
	char text[ADDRESS_TEXT];
	int result = 0;

	for (const struct list *i = s->listeners.next; i != &s->listeners;
		i = i->next)
		buf_addf(&all, "%s%s", all.len ? ", " : "", address_text(
			&container_of(i, struct listener, node)->address, text));
	if (log_level() >= LOG_INFO)
		diag_note("listening on %s (data: %s, fsync: %s)", buf_cstr(&all),
			dir, a->ephemeral ? "never" : a->fsync);
	if (a->ready_fd >= 0) {
		buf_clear(&all);
		server_address(s, &all);
		buf_addc(&all, '\n');
		if (write_all((int)a->ready_fd, buf_cstr(&all)))
			result = err_errno(e, ERR_IO, "cannot write to --ready-fd %d",
				(int)a->ready_fd);
		close((int)a->ready_fd);
	}
	buf_release(&all);
	return result;
}

/* ---- signals and the command ---------------------------------------------- */

static void
end_child(struct run *r)
{
	if (r->child && command_ended(r->child, &r->status)) {
		r->child = 0;
		broker_stop(&r->broker);
	}
}

/* SIGINT of a terminal reaches the command too; that of kill(1) only us. */
static void
stop(struct run *r, const struct signalfd_siginfo *si)
{
	if (r->child) {
		if (si->ssi_code <= 0)
			kill(r->child, (int)si->ssi_signo);
		return;
	}
	if (r->ended_by)
		_exit(128 + (int)si->ssi_signo); /* the second one: at once */
	r->ended_by = (int)si->ssi_signo;
	log_info("stopping signal=%s", strsignal(r->ended_by));
	broker_stop(&r->broker);
}

static void
signal_ready(struct loop_io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, signals);
	struct signalfd_siginfo si;

	(void)events;
	while (read(io->fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			end_child(r);
		else if (si.ssi_signo != SIGHUP)
			stop(r, &si);
		else if (r->child && si.ssi_code <= 0)
			kill(r->child, SIGHUP);
		else
			log_reopen();
	}
}

/* Before any thread is made, so that all of them have the mask. */
static int
catch_signals(struct run *r, struct err *e)
{
	struct sigaction old;
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	/* A script's background job: the terminal's interrupt is not for it. */
	if (sigaction(SIGINT, NULL, &old) || old.sa_handler != SIG_IGN)
		sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &r->old_mask);
	r->signals.fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	r->signals.events = EPOLLIN;
	r->signals.ready = signal_ready;
	if (r->signals.fd < 0)
		return err_errno(e, ERR_FAILED, "cannot watch signals");
	return 0;
}

/* As many descriptors as we may have: one a connection and some a partition. */
static void
raise_descriptors(struct run *r)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &r->files))
		return;
	most = (struct rlimit){ r->files.rlim_max, r->files.rlim_max };
	setrlimit(RLIMIT_NOFILE, &most);
}

/* With the signals and limits that we were given, not those we made. */
static int
start_child(struct run *r, char **command, const char *socket, struct err *e)
{
	struct buf address = BUF_INIT;

	setrlimit(RLIMIT_NOFILE, &r->files);
	server_address(r->broker.server, &address);
	r->status = command_start(command, buf_cstr(&address), socket, &r->old_mask,
		&r->child, e);
	buf_release(&address);
	raise_descriptors(r);
	return r->status ? -1 : 0;
}

/*
 * Large buffers go back to the system when they are freed. By default glibc
 * learns from the first one to keep up to 64 MiB for ever.
 */
static void
tune_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 512 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

/* ---- running -------------------------------------------------------------- */

static int
serve(struct run *r, const struct args *a, struct config *c, char **command,
	const char *dir, struct err *e)
{
	struct broker_options o = {
		.config = c,
		.clock = &r->shift.clock,
		.shift = &r->shift,
		.faults = a->faults,
		.metrics = a->metrics,
		.dir = dir,
		.ephemeral = a->ephemeral,
		.repair = a->repair,
		.wal_bytes = a->wal_bytes,
		.nodes = (int)a->virtual_brokers,
	};
	struct buf socket = BUF_INIT;
	bool has_pid_file = false;
	int result = -1;

	raise_descriptors(r);
	shift_init(&r->shift);
	options_socket(&socket, a, dir);
	o.admin_socket = (const char *)socket.data;
	if ((a->as_version && !(o.release = release_find(a->as_version, e))) ||
	    options_fsync(a->fsync, &o, e) || catch_signals(r, e) ||
	    broker_prepare(&r->broker, &o, e) ||
	    options_listen(r->broker.server, a, c, e) ||
	    broker_open(&r->broker, &o, e) ||
	    loop_io_add(r->broker.loop, &r->signals, e) ||
	    (a->pid_file && write_pid(a->pid_file, e)))
		goto out;
	has_pid_file = a->pid_file != NULL;
	if (announce(r->broker.server, a, dir, e))
		goto out;
	if (*command && start_child(r, command, o.admin_socket, e))
		goto out;
	result = broker_run(&r->broker, e);
out:
	if (has_pid_file)
		unlink(a->pid_file);
	if (broker_close(&r->broker, result ? &(struct err)ERR_INIT : e))
		result = -1;
	buf_release(&socket);
	if (r->signals.fd >= 0)
		close(r->signals.fd);
	return result;
}

static int
run(struct run *r, struct args *a, char **command, struct err *e)
{
	struct config *c = config_new();
	struct buf dir = BUF_INIT;
	int result = -1;

	if (!options_config(c, a, e) && !options_dir(&dir, a, c, e)) {
		result = serve(r, a, c, command, (const char *)dir.data, e);
		if (a->ephemeral)
			ephemeral_remove((const char *)dir.data);
	}
	buf_release(&dir);
	config_free(c);
	return result;
}

int
main(int argc, char **argv)
{
	struct args a = ARGS_INIT;
	struct run r = { .signals.fd = -1 };
	struct opt_program program = options_program;
	const struct opt_command *verb = NULL;
	struct err e = ERR_INIT;
	int result, status;

	tune_memory();
	diag_init("kc-broker");
	/* A command's own words are not verbs of ours. */
	if (!options_has_verb(argc, argv))
		program.commands = NULL;
	result = opt_parse(&program, &a, &argc, argv, &verb, &e);
	if (!result && verb)
		return diag_finish(verb->run(&a, argc, argv, &e), &e);
	if (!result && argc && !a.ephemeral)
		result = err_set(&e, ERR_USAGE,
			"unexpected argument '%s' (a command needs --ephemeral)",
			argv[0]);
	if (!result)
		result = options_log(&a, argc > 0, &e);
	if (!result) {
		argv[argc] = NULL;
		result = run(&r, &a, argv, &e);
	}
	if (result)
		log_failure(&e);
	status = diag_finish(result, &e);
	if (!result && r.ended_by == SIGINT) {
		signal(SIGINT, SIG_DFL);
		sigprocmask(SIG_SETMASK, &r.old_mask, NULL);
		raise(SIGINT);
	}
	return r.status ? r.status : status;
}
