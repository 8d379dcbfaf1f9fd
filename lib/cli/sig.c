#include "cli/sig.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A signal handler has no argument of ours: the one place for globals. */
static volatile sig_atomic_t caught;
static volatile sig_atomic_t paused;
static volatile sig_atomic_t asked;
static int wake_fd = -1;

static void
on_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	if (caught) {
		signal(sig, SIG_DFL);
		raise(sig); /* takes effect when this handler returns */
		return;
	}
	caught = sig;
	/* A full counter cannot be: one write in the program's life. */
	if (write(wake_fd, &one, sizeof(one)) < 0) {
	}
	errno = saved;
}

void
sig_init(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction old, sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (wake_fd >= 0)
		return;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
sig_caught(void)
{
	return caught;
}

int
sig_fd(void)
{
	return wake_fd;
}

static void
on_pause(int sig)
{
	(void)sig;
	paused = !paused;
}

void
sig_watch_pause(void)
{
	struct sigaction sa = { .sa_handler = on_pause, .sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
}

bool
sig_is_paused(void)
{
	return paused;
}

static void
on_question(int sig)
{
	(void)sig;
	asked = 1;
}

void
sig_watch_news(void)
{
	struct sigaction sa = { .sa_handler = on_question, .sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR2, &sa, NULL);
}

bool
sig_wants_news(void)
{
	bool was = asked;

	asked = 0;
	return was;
}
