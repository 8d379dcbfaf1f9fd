#include "ephemeral.h"

#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "log.h"

extern char **environ;

char *
ephemeral_dir(struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct buf path = BUF_INIT;

	buf_addf(&path, "%s/kc-broker.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	buf_cstr(&path);
	if (!mkdtemp((char *)path.data)) {
		err_errno(e, ERR_IO, "cannot make the directory '%s'",
			(const char *)path.data);
		buf_release(&path);
		return NULL;
	}
	return (char *)path.data;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	if (remove(path))
		log_warn("cannot remove '%s': %s", path, strerror(errno));
	return 0;
}

void
ephemeral_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
command_start(char **argv, const char *brokers, const char *admin,
	const sigset_t *mask, pid_t *pid, struct err *e)
{
	posix_spawnattr_t attr;
	sigset_t defaults;
	int code;

	setenv("KC_BROKERS", brokers, 1);
	setenv("KC_BROKER_ADMIN", admin, 1);
	posix_spawnattr_init(&attr);
	/* Ours are its business as little as the ones we ignore. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr,
		POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	code = posix_spawnp(pid, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (!code)
		return 0;
	err_set(e, ERR_FAILED, "cannot run '%s': %s", argv[0], strerror(code));
	return code == ENOENT ? 127 : 126;
}

int
command_ended(pid_t pid, int *status)
{
	int st;

	if (waitpid(pid, &st, WNOHANG) != pid)
		return 0;
	if (WIFEXITED(st))
		*status = WEXITSTATUS(st);
	else if (WIFSIGNALED(st))
		*status = 128 + WTERMSIG(st);
	else
		return 0;
	return 1;
}
