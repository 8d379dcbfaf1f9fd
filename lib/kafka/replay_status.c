/* replay_status.c - a job's process: is it at it, and having it pause. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/replay.h"

enum { SILENT_MS = 30000 };

static bool
is_here(const struct replay_job *j)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return j->host && !strcmp(j->host, host);
}

/* A process of that number that is another program's does not count. */
static bool
is_alive(int64_t pid)
{
	char path[64], name[32] = "";
	FILE *f;

	if (pid <= 0 || (kill((pid_t)pid, 0) && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%" PRId64 "/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return !strcmp(name, "kc-replay\n");
}

const char *
replay_job_condition(const struct replay_job *j, int64_t now_ms)
{
	if (strcmp(j->state, "running") && strcmp(j->state, "paused"))
		return j->state;
	if (is_here(j) ? !is_alive(j->pid) : now_ms - j->updated_ms > SILENT_MS &&
	    strcmp(j->state, "paused"))
		return "interrupted";
	return j->state;
}

int
replay_pause(const struct replay_options *o, struct err *e)
{
	struct client *c = NULL;
	struct replay_jobs jobs = { 0 };
	const struct replay_job *j;
	int result = -1;

	if (client_open(&c, o->target_conf, CLIENT_ADMIN, NULL, e) ||
	    client_wait(c, o->timeout_ms, e) || replay_jobs_load(&jobs, c,
	    o->target_conf, o->resume, 0, o->timeout_ms, e))
		goto out;
	j = jobs.n ? &jobs.items[0] : NULL;
	if (!j)
		err_set(e, ERR_NOT_FOUND, "there is no job '%s' (kc-replay jobs "
			"lists them)", o->resume);
	else if (!is_here(j))
		err_set(e, ERR_FAILED, "job '%s' runs on '%s' (there: kill -USR1 %"
			PRId64 ")", j->name, j->host, j->pid);
	else if (strcmp(replay_job_condition(j, clock_wall_ms(clock_system())),
		 j->state) || (strcmp(j->state, "running") &&
		 strcmp(j->state, "paused")))
		err_set(e, ERR_NO, "job '%s' is not running (it is %s)", j->name,
			replay_job_condition(j, clock_wall_ms(clock_system())));
	else if (kill((pid_t)j->pid, SIGUSR1))
		err_errno(e, ERR_FAILED, "cannot reach process %" PRId64, j->pid);
	else
		result = 0;
out:
	replay_jobs_release(&jobs);
	client_close(c);
	return result;
}
