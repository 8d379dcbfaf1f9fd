/*
 * pipeline_handler.c - the processes of a pipeline: started when there is
 * something to do, restarted with a pause, ended when they hang.
 */
#include <sys/wait.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "kafka/pipeline_part.h"

enum {
	UNSENT_MAX = 256 << 10, /* bytes that wait for a handler to read them */
	PAUSE_MS = 100,         /* before the first restart; doubles */
	PAUSE_MAX_MS = 10000,
	DEATHS_MAX = 6,         /* in a row without any answer */
	SHOWN_MAX = 200,        /* of a line that is no answer */
	NO_COMMAND = 126,       /* 126, 127: the shell cannot run it */
};

static struct dispatch_now
now(void)
{
	return (struct dispatch_now){ pipeline_mono(), clock_wall_ms(clock_system()) };
}

static int64_t
pause_ms(int deaths)
{
	int64_t ms = PAUSE_MS;

	while (--deaths > 0 && ms < PAUSE_MAX_MS)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

static bool
cannot_run(const struct coprocess *c)
{
	return WIFEXITED(c->status) && (WEXITSTATUS(c->status) == NO_COMMAND ||
		WEXITSTATUS(c->status) == NO_COMMAND + 1);
}

/* Nothing says that records are to blame, when the handler never works. */
static int
check_deaths(struct pipeline *p, const struct handler *h, struct err *e)
{
	struct buf how = BUF_INIT;

	if (p->deaths < DEATHS_MAX && !(cannot_run(&h->process) && h->deaths == 1 &&
	    !p->dispatch.answers))
		return 0;
	coprocess_tell(&h->process, &how);
	if (cannot_run(&h->process))
		err_set(e, ERR_FAILED, "cannot run the handler '%s': it %s",
			p->o.command, buf_cstr(&how));
	else
		err_set(e, ERR_FAILED, "the handler '%s' %s, %d times in a row "
			"without an answer", p->o.command, buf_cstr(&how), p->deaths);
	buf_release(&how);
	return -1;
}

/*
 * Ends it, and has the records that it held judged. class and message say
 * why; message NULL = how it ended.
 */
static int
fail_handler(struct pipeline *p, int worker, const char *class,
	const char *message, struct err *e)
{
	struct handler *h = &p->handlers[worker];
	struct answer_error why = { .class = slice_str(class) };
	struct buf how = BUF_INIT;

	coprocess_end(&h->process, 0);
	if (message) {
		buf_addstr(&how, message);
	} else {
		buf_addstr(&how, "the handler ");
		coprocess_tell(&h->process, &how);
	}
	diag_warn("%s; it is started again", buf_cstr(&how));
	why.message = buf_slice(&how);
	if (h->process.words.len)
		why.stack = buf_slice(&h->process.words);
	dispatch_died(&p->dispatch, worker, &why, now());
	buf_release(&how);
	h->deaths++;
	p->deaths++;
	p->totals.restarts++;
	h->start_ms = pipeline_mono() + pause_ms(h->deaths);
	return check_deaths(p, h, e);
}

/*
 * It has ended by itself. With status 0 after answers, that is its way, and
 * what it had is given to the next one.
 */
static int
take_end(struct pipeline *p, int worker, struct err *e)
{
	struct handler *h = &p->handlers[worker];

	coprocess_end(&h->process, 1000);
	if (!h->answered || !WIFEXITED(h->process.status) ||
	    WEXITSTATUS(h->process.status))
		return fail_handler(p, worker, "kc.died", NULL, e);
	dispatch_restarted(&p->dispatch, worker);
	p->totals.restarts++;
	return 0;
}

static int
start(struct pipeline *p, struct handler *h, struct err *e)
{
	/* execvp() does not write to them */
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
		(char *)(uintptr_t)p->o.command, NULL };

	h->answered = false;
	return coprocess_start(&h->process, argv, 0, e);
}

static void
give(struct pipeline *p, int worker)
{
	struct handler *h = &p->handlers[worker];
	const struct task *t;

	while (coprocess_unsent(&h->process) < UNSENT_MAX &&
	    (t = dispatch_next(&p->dispatch, worker, pipeline_mono()))) {
		buf_clear(&p->line);
		envelope_write(&p->line, t->r, p->o.flags);
		coprocess_send(&h->process, buf_slice(&p->line));
	}
}

int
pipeline_feed(struct pipeline *p, struct err *e)
{
	int64_t mono = pipeline_mono();
	char why[128];

	dispatch_tick(&p->dispatch, mono);
	for (int i = 0; i < p->o.dispatch.workers; i++) {
		struct handler *h = &p->handlers[i];

		if (h->process.pid > 0 && dispatch_overdue(&p->dispatch, i, mono)) {
			snprintf(why, sizeof(why), "the handler did not answer within "
				"%lld ms", (long long)p->o.dispatch.answer_ms);
			if (fail_handler(p, i, "kc.timeout", why, e))
				return -1;
		}
		if (!dispatch_wants(&p->dispatch, i))
			continue;
		if (h->process.pid < 0 && mono >= h->start_ms && start(p, h, e))
			return -1;
		if (h->process.pid > 0)
			give(p, i);
	}
	return 0;
}

int64_t
pipeline_due(struct pipeline *p)
{
	int64_t due = dispatch_tick(&p->dispatch, pipeline_mono());

	for (int i = 0; i < p->o.dispatch.workers; i++)
		if (p->handlers[i].process.pid < 0 &&
		    dispatch_wants(&p->dispatch, i) && p->handlers[i].start_ms < due)
			due = p->handlers[i].start_ms;
	return due;
}

/* A line that is no answer: who knows what the next ones mean? */
static int
bad_answer(struct pipeline *p, int worker, struct slice line, const char *why,
	struct err *e)
{
	struct buf text = BUF_INIT;
	int result;

	buf_addf(&text, "the handler's answer is not understood: %s: ", why);
	if (line.len > SHOWN_MAX)
		line.len = SHOWN_MAX;
	envelope_put_bytes(&text, line);
	result = fail_handler(p, worker, "kc.parse", buf_cstr(&text), e);
	buf_release(&text);
	return result;
}

static int
take_answer(struct pipeline *p, int worker, struct slice line, struct err *e)
{
	struct handler *h = &p->handlers[worker];
	struct err why = ERR_INIT;
	struct answer a;
	int decided;

	if (answer_read(&p->reader, line, &a, &why))
		return bad_answer(p, worker, line, why.msg, e);
	decided = dispatch_answer(&p->dispatch, worker, &a, line, now(), e);
	if (decided < 0)
		return -1;
	h->deaths = p->deaths = 0;
	h->answered = true;
	return 0;
}

int
pipeline_answers(struct pipeline *p, int worker, struct err *e)
{
	struct coprocess *c = &p->handlers[worker].process;
	struct slice line;

	while (c->pid > 0) {
		switch (coprocess_next(c, &line)) {
		case COPROCESS_LINE:
			if (take_answer(p, worker, line, e))
				return -1;
			break;
		case COPROCESS_TOO_LONG:
			return bad_answer(p, worker, slice_str(""),
				"the line is too long", e);
		case COPROCESS_NONE:
			return coprocess_is_over(c) ?
				take_end(p, worker, e) : 0;
		}
	}
	return 0;
}

void
pipeline_restart_tainted(struct pipeline *p)
{
	for (int i = 0; i < p->o.dispatch.workers; i++)
		if (p->dispatch.workers[i].tainted) {
			coprocess_end(&p->handlers[i].process, 0);
			dispatch_restarted(&p->dispatch, i);
		}
}

void
pipeline_end_handlers(struct pipeline *p, int grace_ms)
{
	/* All see their end before one is waited for. */
	for (int i = 0; i < p->o.dispatch.workers; i++)
		coprocess_close_input(&p->handlers[i].process);
	for (int i = 0; i < p->o.dispatch.workers; i++) {
		coprocess_end(&p->handlers[i].process, grace_ms);
		coprocess_release(&p->handlers[i].process);
	}
}
