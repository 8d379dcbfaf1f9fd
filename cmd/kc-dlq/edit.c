/* edit.c - dead letters mended by hand: import a file of them, or edit one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/in.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "kafka/redrive_edits.h"
#include "verbs.h"
#include "model/envelope.h"

/* What was not open is told; it makes the whole partial. */
static int
tell_unused(struct args *a, const struct redrive_edits *edits, int result,
	struct err *e)
{
	const struct redrive_edit *x;
	int n = 0;

	for (int i = 0; (x = redrive_edits_unused(edits, &i)); n++)
		if (x->state != LEDGER_OPEN)
			diag_error("'%s' %" PRId32 ":%" PRId64 ": is not open: it "
				"is %s", a->dlq.o.topic, x->partition, x->offset,
				ledger_state_name(x->state));
		else
			diag_error("'%s' %" PRId32 ":%" PRId64 ": is %s%s",
				a->dlq.o.topic, x->partition, x->offset,
				a->limit >= 0 ? "behind --limit, or " : "",
				a->gone ? "not there" : "not there any more "
				"(--gone sends it all the same)");
	if (result || !n)
		return result;
	return err_set(e, n < redrive_edits_count(edits) ? ERR_PARTIAL :
		ERR_FAILED, "%d of %d were not sent", n,
		redrive_edits_count(edits));
}

static int
send_edits(struct args *a, const char *topic, struct redrive_edits *edits,
	struct err *e)
{
	int result = redrive_selected(a, topic, edits, e);

	if (result && e->code != ERR_PARTIAL && e->code != ERR_FAILED)
		return -1;
	return tell_unused(a, edits, result, e);
}

/* ---- import ---- */

static int
add_line(void *edits, struct slice line, struct err *e)
{
	return redrive_edits_add(edits, line, e);
}

int
run_import(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct redrive_edits *edits;
	int result = 0;

	if (want_dlq(argc, e))
		return -1;
	if (argc == 1 && term_is_tty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "no file, and stdin is a terminal "
			"(kc-dlq export %s writes what is wanted)", argv[0]);
	edits = redrive_edits_new(argv[0]);
	if (argc == 1)
		result = in_each("-", add_line, edits, e);
	/* all of it is read before anything is sent */
	for (int i = 1; i < argc && !result; i++)
		result = in_each(argv[i], add_line, edits, e);
	if (!result)
		result = send_edits(a, argv[0], edits, e);
	redrive_edits_free(edits);
	return result;
}

/* ---- edit ---- */

struct found {
	struct buf line;
	int n;
};

static enum dlq_scan_status
on_record(void *arg, const struct dlq_record *x, struct err *e)
{
	struct found *f = arg;

	(void)e;
	if (x->state != LEDGER_OPEN)
		return DLQ_SCAN_ON;
	f->n++;
	envelope_write(&f->line, x->r, ENVELOPE_SRC);
	return DLQ_SCAN_ON;
}

/* The one that is selected, as a line. */
static int
find_one(struct args *a, const char *topic, struct found *f, struct err *e)
{
	const struct dlq_scan s = { .select = &a->select, .record = on_record,
		.arg = f };

	if (open_dlq(a, topic, false, e) || dlq_scan(&a->dlq, &s, e))
		return -1;
	if (f->n != 1)
		return err_set(e, f->n ? ERR_USAGE : ERR_NOT_FOUND, f->n ?
			"only one can be edited at a time (kc-dlq export, jq and "
			"kc-dlq import do more)" : "there is no such open record");
	return 0;
}

/* A file of our own in $TMPDIR; returns its path, owned. */
static char *
write_file(struct slice text, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	struct buf path = BUF_INIT;
	int fd;

	buf_addf(&path, "%s/kc-dlq-XXXXXX.json", dir && *dir ? dir : "/tmp");
	buf_cstr(&path);
	fd = mkostemps((char *)path.data, 5, O_CLOEXEC);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len ||
	    close(fd)) {
		err_errno(e, ERR_IO, "cannot write '%s'", (char *)path.data);
		buf_release(&path);
		return NULL;
	}
	return (char *)path.data;
}

/* NULL = none. */
static const char *
chosen_editor(void)
{
	const char *editor = getenv("VISUAL");

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	return editor && *editor ? editor : NULL;
}

static int
run_editor(const char *path, struct err *e)
{
	const char *editor = chosen_editor();
	struct buf command = BUF_INIT;
	int status = 0;
	pid_t pid;

	buf_addf(&command, "%s \"$1\"", editor ? editor : "vi");
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", buf_cstr(&command), "sh", path,
			(char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	buf_release(&command);
	if (pid < 0)
		return err_errno(e, ERR_FAILED, "cannot start the editor");
	return status ? err_set(e, ERR_FAILED, "the editor ended with status %d, "
		"nothing is sent", WIFEXITED(status) ? WEXITSTATUS(status) :
		128 + WTERMSIG(status)) : 0;
}

/* The line of the file, edited: ERR_FAILED when nothing was changed. */
static int
read_edit(const char *path, const struct found *f, struct redrive_edits *edits,
	bool *changed, struct err *e)
{
	struct in in = { 0 };
	struct slice line, was = buf_slice(&f->line);
	int result = -1;

	was.len--; /* the LF */
	if (in_open(&in, path, e))
		return -1;
	if (in_next(&in, -1, &line, e) != IN_LINE)
		err_set(e, ERR_FAILED, "the file is empty, nothing is sent");
	else if (slice_eq(line, was))
		err_set(e, ERR_FAILED, "nothing was changed, nothing is sent "
			"(kc-dlq redrive sends it as it is)");
	else
		result = (*changed = true, redrive_edits_add(edits, line, e));
	if (!result && in_next(&in, -1, &line, e) != IN_EOF)
		result = err_set(e, ERR_FORMAT, "more than one line");
	in_close(&in);
	return result;
}

/* ---- what was changed ---- */

enum { MEMBERS = 2 };

/* Of a record: its key, its value, and then its headers, as text. */
static void
put_member(struct buf *out, const struct record *r, size_t i)
{
	buf_clear(out);
	if (i >= MEMBERS) {
		const struct record_header *h = &r->headers[i - MEMBERS];

		buf_addf(out, "header %.*s ", SLICE_ARG(h->key));
		envelope_put_bytes(out, h->value);
		return;
	}
	buf_addstr(out, i ? "value " : "key ");
	envelope_put_bytes(out, i ? r->value : r->key);
}

/* Those of a that b does not have as often; their order is no matter here. */
static void
tell_missing(const struct record *a, const struct record *b, const char *sign)
{
	size_t n = b->headers_n + MEMBERS;
	bool *taken = xcalloc(n, sizeof(*taken));
	struct buf mine = BUF_INIT, other = BUF_INIT;

	for (size_t i = 0; i < a->headers_n + MEMBERS; i++) {
		size_t k;

		put_member(&mine, a, i);
		for (k = 0; k < n; k++) {
			put_member(&other, b, k);
			if (!taken[k] && slice_eq(buf_slice(&mine), buf_slice(&other)))
				break;
		}
		if (k < n)
			taken[k] = true;
		else
			diag_note("%s %s", sign, buf_cstr(&mine));
	}
	free(taken);
	buf_release(&mine);
	buf_release(&other);
}

/* Shows what is sent otherwise than it died, and asks a person whether it shall be. */
static int
confirm_edit(struct args *a, const struct found *f, const struct redrive_edit *x,
	struct err *e)
{
	struct envelope_reader was = { 0 }, is = { 0 };
	struct slice line = buf_slice(&f->line);
	struct record before, after;
	int result;

	line.len--; /* the LF */
	result = envelope_read(&was, line, &before, e) ||
		envelope_read(&is, x->line, &after, e) ? -1 : 0;
	if (!result) {
		tell_missing(&before, &after, "-");
		tell_missing(&after, &before, "+");
	}
	envelope_reader_release(&was);
	envelope_reader_release(&is);
	if (!result && !a->yes && !a->dry_run && term_is_tty(STDIN_FILENO) &&
	    term_is_tty(STDERR_FILENO))
		result = prompt_yes("send it?", e);
	return result;
}

/* ---- all of it ---- */

int
run_edit(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct found found = { 0 };
	struct redrive_edits *edits = NULL;
	char *path = NULL;
	bool changed = false;
	int result = -1;

	if (want_dlq(argc, e) || read_selection(a, argc - 1, argv + 1, e) ||
	    read_redactions(a, argv[0], e))
		return -1;
	if (a->redact.n)
		return err_set(e, ERR_USAGE, "the configuration masks '%s' in '%s', "
			"and an editor shows all (if that is meant: --no-redact)",
			a->redact.paths[0].text, argv[0]);
	if (dlq_select_is_all(&a->select))
		return err_set(e, ERR_USAGE, "which record? (kc-dlq edit %s 0:5)",
			argv[0]);
	edits = redrive_edits_new(argv[0]);
	if (find_one(a, argv[0], &found, e))
		goto out;
	if (!chosen_editor() && !term_is_tty(STDIN_FILENO)) {
		err_set(e, ERR_USAGE, "an editor needs a terminal (or EDITOR, a "
			"command that changes the file it is given)");
		goto out;
	}
	path = write_file(buf_slice(&found.line), e);
	if (!path || run_editor(path, e) ||
	    read_edit(path, &found, edits, &changed, e) ||
	    confirm_edit(a, &found, redrive_edits_unused(edits, &(int){ 0 }), e))
		goto out;
	result = send_edits(a, argv[0], edits, e);
out:
	/* work is not thrown away */
	if (path && result && changed)
		diag_note("what was edited is still in '%s'", path);
	else if (path)
		unlink(path);
	free(path);
	buf_release(&found.line);
	redrive_edits_free(edits);
	return result;
}
