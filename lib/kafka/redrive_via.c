#include "kafka/redrive_via.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "cli/coprocess.h"
#include "cli/sig.h"
#include "model/envelope.h"
#include "model/redrive.h"

/* A signal of ours ends the command too; a moment is given to it. */
enum { GRACE_MS = 2000 };

static void
add_line(struct dlq_batch *b, const char *dlq, const struct dlq_change *c,
	struct buf *out)
{
	struct record bare;

	redrive_undress(&c->copy, &b->memory, &bare);
	bare.src = slice_str(arena_printf(&b->memory, "%s/%" PRId32 "/%" PRId64,
		dlq, c->entry.partition, c->entry.offset));
	envelope_write(out, &bare, 0);
}

/* 0 = over, its status is set; take() gets every line. */
static int
run(struct coprocess *p, const char *command, struct slice input,
	int (*take)(void *arg, struct slice line, struct err *e), void *arg,
	struct err *e)
{
	static char sh[] = "sh", c[] = "-c";
	char *const argv[] = { sh, c, (char *)(uintptr_t)command, NULL };
	struct pollfd fds[COPROCESS_FDS + 1];
	int result = 0;

	if (coprocess_start(p, argv, 0, e))
		return -1;
	coprocess_send(p, input);
	coprocess_close_input(p);
	while (!result) {
		enum coprocess_line got;
		struct slice line;

		while (!result &&
		       (got = coprocess_next(p, &line)) != COPROCESS_NONE)
			result = got == COPROCESS_TOO_LONG ? err_set(e,
				ERR_FORMAT, "a line of it is too long") :
				take(arg, line, e);
		if (result || coprocess_is_over(p))
			break;
		if (sig_caught())
			result = -1;
		coprocess_poll(p, fds);
		fds[COPROCESS_FDS] = (struct pollfd){ sig_fd(), POLLIN, 0 };
		poll(fds, COPROCESS_FDS + 1, 1000);
		coprocess_serve(p, fds);
	}
	coprocess_end(p, GRACE_MS);
	return result;
}

static int
ended_badly(const struct coprocess *p, struct err *e)
{
	struct buf how = BUF_INIT;
	size_t words = p->words.len > 300 ? 300 : p->words.len;

	while (words && p->words.data[words - 1] == '\n')
		words--;
	coprocess_tell(p, &how);
	err_set(e, ERR_FAILED, "it %s%s%.*s", buf_cstr(&how), words ? ": " : "",
		(int)words, words ? (const char *)p->words.data : "");
	buf_release(&how);
	return -1;
}

/* ---- via ---- */

struct answers {
	struct dlq_batch *b;
	struct map by_src;      /* text -> index of the change + 1 */
	bool *answered;
	struct envelope_reader reader;
};

static int
take_answer(void *arg, struct slice line, struct err *e)
{
	struct answers *x = arg;
	struct record r, made;
	struct dlq_change *c;
	uintptr_t i;

	if (envelope_read(&x->reader, line, &r, e))
		return err_wrap(e, "its answer");
	if (slice_is_null(r.src))
		return err_set(e, ERR_FORMAT, "its answer has no src (keep that "
			"member: it says which record it is)");
	i = (uintptr_t)map_get(&x->by_src, r.src);
	if (!i)
		return err_set(e, ERR_FORMAT, "it answered for '%.*s', which it "
			"was not asked", SLICE_ARG(r.src));
	if (x->answered[i - 1])
		return err_set(e, ERR_FORMAT, "it answered twice for '%.*s'",
			SLICE_ARG(r.src));
	x->answered[i - 1] = true;
	c = &x->b->items[i - 1];
	if (redrive_dress(&c->copy, &r, true, &x->b->memory, &made)) {
		c->entry.state = LEDGER_EDITED;
		c->entry.fingerprint = ledger_fingerprint(made.key, made.value);
	}
	if (!slice_is_null(r.topic) && !slice_eq(r.topic, made.topic)) {
		made.topic = r.topic;
		made.partition = -1;
	}
	dlq_batch_replace(x->b, c, &made);
	return 0;
}

static void
drop_unanswered(struct answers *x,
	void (*dropped)(void *arg, const struct dlq_change *c), void *arg)
{
	int n = 0;

	for (int i = 0; i < x->b->n; i++) {
		struct dlq_change *c = &x->b->items[i];

		if (!slice_is_null(c->copy.topic) && !x->answered[i]) {
			dropped(arg, c);
			x->b->copies--;
		} else {
			x->b->items[n++] = *c;
		}
	}
	x->b->n = n;
}

int
redrive_via(struct dlq_batch *b, const char *dlq, const char *command,
	void (*dropped)(void *arg, const struct dlq_change *c), void *arg,
	struct err *e)
{
	struct answers x = { .b = b };
	struct coprocess p;
	struct buf lines = BUF_INIT;
	int result;

	x.answered = xcalloc((size_t)b->n, sizeof(*x.answered));
	for (int i = 0; i < b->n; i++) {
		const struct dlq_change *c = &b->items[i];
		char *src;

		if (slice_is_null(c->copy.topic))
			continue;
		add_line(b, dlq, c, &lines);
		src = arena_printf(&b->memory, "%s/%" PRId32 "/%" PRId64, dlq,
			c->entry.partition, c->entry.offset);
		map_put(&x.by_src, slice_str(src), (void *)(uintptr_t)(i + 1));
	}
	coprocess_init(&p);
	result = run(&p, command, buf_slice(&lines), take_answer, &x, e);
	if (!result && p.status)
		result = ended_badly(&p, e);
	if (!result)
		drop_unanswered(&x, dropped, arg);
	coprocess_release(&p);
	map_release(&x.by_src);
	envelope_reader_release(&x.reader);
	free(x.answered);
	buf_release(&lines);
	return result && e->code ? err_wrap(e, "--via '%s'", command) : result;
}

/* ---- check ---- */

/* What it prints is not asked for. */
static int
ignore(void *arg, struct slice line, struct err *e)
{
	(void)arg, (void)line, (void)e;
	return 0;
}

int
redrive_check(struct dlq_batch *b, const char *dlq, const char *command,
	void (*refused)(void *arg, const struct dlq_change *c,
	const struct err *why), void *arg, struct err *e)
{
	struct buf line = BUF_INIT;
	int n = 0, result = 0;

	for (int i = 0; i < b->n && !result; i++) {
		struct dlq_change *c = &b->items[i];
		struct coprocess p;
		struct err why = ERR_INIT;

		if (!slice_is_null(c->copy.topic)) {
			coprocess_init(&p);
			buf_clear(&line);
			add_line(b, dlq, c, &line);
			result = run(&p, command, buf_slice(&line), ignore,
				NULL, e);
			if (!result && p.status) {
				ended_badly(&p, &why);
				err_wrap(&why, "--check");
				refused(arg, c, &why);
				b->copies--;
			}
			coprocess_release(&p);
			if (why.code)
				continue;
		}
		b->items[n++] = *c;
	}
	if (!result)
		b->n = n;
	buf_release(&line);
	return result && e->code ? err_wrap(e, "--check '%s'", command) : result;
}
