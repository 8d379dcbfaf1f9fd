#include "kafka/lag_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/sig.h"

enum { LOCK_WAIT_MS = 1000 };

/* A cluster's id as a file name. */
static void
add_name(struct buf *b, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	for (; *name; name++)
		buf_addc(b, strchr(plain, *name) ? *name : '_');
}

static int
find_path(struct lag_state *st, const struct lag_snapshot *s, struct err *e)
{
	struct buf file = BUF_INIT;
	int ret;

	buf_addstr(&file, "lag/");
	add_name(&file, *s->cluster_id ? s->cluster_id : "unnamed");
	/* ends that are not the same are not compared */
	buf_addstr(&file, s->is_committed_only ? ".committed.jsonl" : ".jsonl");
	ret = conf_state_path(&st->path, buf_cstr(&file), e);
	buf_release(&file);
	return ret;
}

/* Another run may have put a new file in place while we waited for the lock. */
static bool
is_current(const struct lag_state *st)
{
	struct stat ours, there;

	return !fstat(st->fd, &ours) &&
		!stat((const char *)st->path.data, &there) &&
		ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static void
let_go(struct lag_state *st)
{
	if (st->fd >= 0)
		close(st->fd);
	st->fd = -1;
}

static int
lock(struct lag_state *st, int wait_ms, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + wait_ms;

	for (;;) {
		st->fd = open((const char *)st->path.data,
			O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (st->fd < 0)
			return err_errno(e, ERR_IO, "cannot open it");
		if (!flock(st->fd, LOCK_EX | LOCK_NB) && is_current(st))
			return 0;
		let_go(st);
		if (clock_mono_ms(clock) >= end || sig_caught())
			return err_set(e, ERR_TEMPORARY, "another run holds it");
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, 5);
	}
}

static int
read_all(const struct lag_state *st, struct buf *text, struct err *e)
{
	int fd = open((const char *)st->path.data, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return err_errno(e, ERR_IO, "cannot read it");
	for (;;) {
		ssize_t n = read(fd, buf_reserve(text, 1 << 16), 1 << 16);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = err_errno(e, ERR_IO, "cannot read it");
		else if (text->len > 2 * (size_t)LAG_STATE_MAX)
			ret = err_set(e, ERR_FORMAT, "it is too large");
		if (n <= 0 || ret)
			break;
		text->len += (size_t)n;
	}
	close(fd);
	return ret;
}

static void
open_state(struct lag_state *st, const struct lag_snapshot *s,
	const struct map *groups)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	lag_histories_release(&st->histories);
	if (find_path(st, s, &e)) {
		diag_warn("nothing is remembered for the next run: %s "
			"(--no-state says that none is wanted)", e.msg);
		return;
	}
	if (lock(st, LOCK_WAIT_MS, &e))
		diag_warn("state '%s': %s; this run is not remembered",
			(const char *)st->path.data, e.msg);
	e = (struct err)ERR_INIT;
	st->histories.groups = groups;
	if (read_all(st, &text, &e) ||
	    lag_histories_read(&st->histories, buf_slice(&text), &e))
		diag_warn("state '%s': %s; the rest of it is forgotten",
			(const char *)st->path.data, e.msg);
	buf_release(&text);
}

static int
write_all(const char *path, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;

	if (fd < 0)
		return -1;
	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	return (done < text->len) | close(fd) ? -1 : 0;
}

/* The new file is named by us alone: we hold the lock, and let it go. */
static void *
save(void *arg)
{
	struct lag_state *st = arg;
	const char *path = (const char *)st->path.data;
	struct buf text = BUF_INIT, new = BUF_INIT;
	struct err e = ERR_INIT;

	lag_histories_write(&st->histories,
		st->saved_ms - (int64_t)LAG_STATE_DAYS * 86400000,
		LAG_STATE_MAX, &text);
	buf_addf(&new, "%s.new", path);
	if (write_all(buf_cstr(&new), &text) || rename(buf_cstr(&new), path)) {
		err_errno(&e, ERR_IO, "state '%s'", path);
		diag_warn("%s; this run is not remembered", e.msg);
		unlink(buf_cstr(&new));
	}
	buf_release(&text);
	buf_release(&new);
	let_go(st);
	return NULL;
}

/* Beside what is printed: who reads our output may be slow, and others want the lock. */
static void
start_saving(struct lag_state *st, int64_t now_ms)
{
	if (st->fd < 0)
		return;
	st->saved_ms = now_ms;
	st->is_saving = !pthread_create(&st->saver, NULL, save, st);
	if (!st->is_saving)
		save(st);
}

static void
end_saving(struct lag_state *st)
{
	if (st->is_saving)
		pthread_join(st->saver, NULL);
	st->is_saving = false;
	let_go(st);
}

void
lag_state_judge(struct lag_state *st, struct lag_snapshot *s,
	const struct lag_rules *rules, bool few, bool keep)
{
	struct map groups = { 0 };

	for (int i = 0; few && i < s->groups_n; i++)
		map_put(&groups, slice_str(s->groups[i].name), &s->groups[i]);
	end_saving(st);
	if (keep)
		open_state(st, s, few ? &groups : NULL);
	lag_judge_all(s, &st->histories, rules);
	st->histories.groups = NULL;
	if (keep)
		start_saving(st, s->taken_ms);
	map_release(&groups);
}

void
lag_state_close(struct lag_state *st)
{
	end_saving(st);
	buf_release(&st->path);
	lag_histories_release(&st->histories);
}
