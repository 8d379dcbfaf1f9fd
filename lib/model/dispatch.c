#include "model/dispatch.h"

#include <stdlib.h>

#include "base/xalloc.h"

/* Records with one key, of which one is on its way. */
struct task_key {
	struct slice text; /* into bytes behind the struct */
	int worker;
	struct list behind; /* tasks that wait for it */
};

void
dispatch_init(struct dispatch *d, const struct dispatch_options *o)
{
	*d = (struct dispatch){ .o = *o };
	inflight_init(&d->window);
	list_init(&d->paused);
	d->workers = xcalloc((size_t)o->workers, sizeof(*d->workers));
	for (int i = 0; i < o->workers; i++) {
		list_init(&d->workers[i].ready);
		list_init(&d->workers[i].sent);
	}
}

/* What came of it so far does not count. */
static void
drop_answers(struct dispatch *d, struct task *t)
{
	d->bytes -= (int64_t)t->answer.len;
	buf_clear(&t->answer);
}

void
task_free(struct dispatch *d, struct task *t)
{
	drop_answers(d, t);
	d->bytes -= (int64_t)(t->r->key.len + t->r->value.len);
	buf_release(&t->answer);
	free(t->r);
	free(t);
}

void
dispatch_release(struct dispatch *d)
{
	while (d->window.parts_n) {
		const struct inflight_part *p = d->window.parts[0];
		struct buf topic = BUF_INIT;

		buf_addstr(&topic, p->topic);
		dispatch_forget(d, buf_slice(&topic), p->partition);
		buf_release(&topic);
	}
	inflight_release(&d->window);
	map_release(&d->keys);
	free(d->workers);
}

/* ---- what waits where --------------------------------------------------------- */

static struct dispatch_worker *
worker_of(struct dispatch *d, const struct task *t)
{
	return &d->workers[t->worker];
}

static void
make_ready(struct dispatch *d, struct task *t, bool first)
{
	struct dispatch_worker *w = worker_of(d, t);

	t->state = TASK_READY;
	list_append(first ? w->ready.next : &w->ready, &t->node);
	w->ready_n++;
}

/* Out of whatever list it is in. */
static void
unlink_task(struct dispatch *d, struct task *t)
{
	struct dispatch_worker *w = worker_of(d, t);
	bool oldest = w->sent.next == &t->node;

	list_remove(&t->node);
	if (t->state == TASK_READY) {
		w->ready_n--;
	} else if (t->state == TASK_SENT) {
		w->sent_n--;
		if (oldest)
			w->oldest_ms = 0; /* see dispatch_answer() */
	}
}

static void
set_suspect(struct dispatch *d, struct task *t, bool suspect)
{
	worker_of(d, t)->suspects += suspect - t->suspect;
	t->suspect = suspect;
}

/* The next of its key, if there is one, takes its place. */
static void
leave_key(struct dispatch *d, struct task *t)
{
	struct task_key *k = t->key;

	if (!k)
		return;
	t->key = NULL;
	if (list_is_empty(&k->behind)) {
		map_del(&d->keys, k->text);
		free(k);
	} else {
		struct task *next = container_of(k->behind.next, struct task, node);

		list_remove(&next->node);
		make_ready(d, next, false);
	}
}

static int
least_busy(const struct dispatch *d)
{
	int best = 0;

	for (int i = 1; i < d->o.workers; i++)
		if (d->workers[i].ready_n + d->workers[i].sent_n <
		    d->workers[best].ready_n + d->workers[best].sent_n)
			best = i;
	return best;
}

static struct task_key *
make_key(struct dispatch *d, struct slice text)
{
	struct task_key *k = xmalloc(sizeof(*k) + text.len + 1);

	if (text.len)
		memcpy(k + 1, text.data, text.len);
	k->text = slice_make(k + 1, text.len);
	k->worker = (int)(map_hash(text) % (uint64_t)d->o.workers);
	list_init(&k->behind);
	map_put(&d->keys, k->text, k);
	return k;
}

bool
dispatch_add(struct dispatch *d, const struct record *r)
{
	const struct src at = { r->topic, r->partition, r->offset };
	struct task *t = xcalloc(1, sizeof(*t));

	if (!inflight_add(&d->window, &at, &t->at)) {
		free(t);
		return false;
	}
	t->r = record_copy(r);
	t->failed_ms = t->first_failed_ms = -1;
	list_init(&t->node);
	d->open++;
	d->bytes += (int64_t)(r->key.len + r->value.len);
	if (slice_is_null(r->key)) {
		t->worker = least_busy(d);
		make_ready(d, t, false);
		return true;
	}
	t->key = map_get(&d->keys, r->key);
	if (t->key) {
		t->worker = t->key->worker;
		t->state = TASK_BEHIND;
		list_append(&t->key->behind, &t->node);
		return true;
	}
	t->key = make_key(d, r->key);
	t->worker = t->key->worker;
	make_ready(d, t, false);
	return true;
}

/* Suspects go alone, and before all others. */
bool
dispatch_wants(const struct dispatch *d, int worker)
{
	const struct dispatch_worker *w = &d->workers[worker];

	return w->ready_n && w->sent_n < (w->suspects ? 1 : d->o.ahead);
}

static struct task *
first_ready(struct dispatch_worker *w)
{
	if (w->suspects)
		for (struct list *l = w->ready.next; l != &w->ready; l = l->next) {
			struct task *t = container_of(l, struct task, node);

			if (t->suspect)
				return t;
		}
	return container_of(w->ready.next, struct task, node);
}

struct task *
dispatch_next(struct dispatch *d, int worker, int64_t mono_ms)
{
	struct dispatch_worker *w = &d->workers[worker];
	struct task *t;

	if (!dispatch_wants(d, worker))
		return NULL;
	t = first_ready(w);
	unlink_task(d, t);
	t->state = TASK_SENT;
	t->since_ms = mono_ms;
	if (!w->sent_n++)
		w->oldest_ms = mono_ms;
	list_append(&w->sent, &t->node);
	return t;
}

/* ---- verdicts ------------------------------------------------------------------- */

static void
add_answer(struct dispatch *d, struct task *t, struct slice line)
{
	size_t before = t->answer.len;

	if (t->answer.len)
		buf_addc(&t->answer, '\n');
	buf_addslice(&t->answer, line);
	d->bytes += (int64_t)(t->answer.len - before);
}

static void
decide(struct dispatch *d, struct task *t, enum answer_kind kind, struct slice line)
{
	unlink_task(d, t);
	set_suspect(d, t, false);
	leave_key(d, t);
	t->state = TASK_DONE;
	if (kind == ANSWER_FAILED)
		drop_answers(d, t);
	/* "done" behind records ends them. */
	t->kind = kind == ANSWER_DONE && t->answer.len ? ANSWER_RECORD : kind;
	if (kind != ANSWER_DONE)
		add_answer(d, t, line);
	d->open--;
	inflight_done(&d->window, &t->at);
}

static int64_t
pause_of(const struct dispatch *d, const struct task *t)
{
	int64_t ms = d->o.backoff_ms;

	for (int i = 1; i < t->failures && ms < d->o.backoff_max_ms; i++)
		ms *= 2;
	return ms < d->o.backoff_max_ms ? ms : d->o.backoff_max_ms;
}

static void
pause_task(struct dispatch *d, struct task *t, int64_t mono_ms)
{
	struct list *before = d->paused.prev;

	unlink_task(d, t);
	drop_answers(d, t);
	t->state = TASK_PAUSED;
	t->again_ms = mono_ms + pause_of(d, t);
	while (before != &d->paused &&
	    container_of(before, struct task, node)->again_ms > t->again_ms)
		before = before->prev;
	list_append(before->next, &t->node);
}

static void
note_failure(struct task *t, struct dispatch_now now)
{
	t->failures++;
	t->failed_ms = now.wall;
	if (t->first_failed_ms < 0)
		t->first_failed_ms = now.wall;
}

static bool
is_final(const struct dispatch *d, const struct task *t, const struct answer *a)
{
	return slice_eq_str(a->error.kind, "permanent") ||
		slice_eq_str(a->error.kind, "poison") || t->failures > d->o.retries;
}

int
dispatch_answer(struct dispatch *d, int worker, const struct answer *a,
	struct slice line, struct dispatch_now now, struct err *e)
{
	struct inflight_item *item = inflight_find(&d->window, &a->src);
	struct task *t = item ? container_of(item, struct task, at) : NULL;
	struct dispatch_worker *w = &d->workers[worker];

	if (!t || t->state != TASK_SENT || t->worker != worker)
		return err_set(e, ERR_FAILED, "the handler answered '%.*s/%d/%lld', "
			"which it was not given, or has answered before (one "
			"answer a record)", SLICE_ARG(a->src.topic),
			(int)a->src.partition, (long long)a->src.offset);
	d->answers++;
	if (a->more) {
		if (a->kind == ANSWER_RECORD)
			add_answer(d, t, line);
		t->since_ms = now.mono; /* it is at it */
		return 0;
	}
	if (a->kind == ANSWER_FAILED)
		note_failure(t, now);
	if (a->kind != ANSWER_FAILED || is_final(d, t, a)) {
		decide(d, t, a->kind, line);
	} else {
		set_suspect(d, t, false);
		pause_task(d, t, now.mono);
	}
	if (w->sent_n && !w->oldest_ms)
		w->oldest_ms = now.mono;
	return t->state == TASK_DONE;
}

static void
decide_poison(struct dispatch *d, struct task *t, const struct answer_error *why)
{
	const struct src at = { t->r->topic, t->r->partition, t->r->offset };
	struct answer_error poison = *why;
	struct buf line = BUF_INIT;

	poison.kind = slice_str("poison");
	answer_put_failure(&line, &at, &poison);
	decide(d, t, ANSWER_FAILED, buf_slice(&line));
	buf_release(&line);
}

int
dispatch_died(struct dispatch *d, int worker, const struct answer_error *why,
	struct dispatch_now now)
{
	struct dispatch_worker *w = &d->workers[worker];
	struct task *t;

	if (w->sent_n == 1) {
		t = container_of(w->sent.next, struct task, node);
		if (t->suspect) {
			note_failure(t, now);
			if (d->answers) {
				decide_poison(d, t, why);
				return 1;
			}
			/* Others first: does the handler work at all? */
			pause_task(d, t, now.mono);
			set_suspect(d, t, false);
			return 0;
		}
	}
	while (w->sent_n) {
		t = container_of(w->sent.prev, struct task, node);
		unlink_task(d, t);
		drop_answers(d, t);
		set_suspect(d, t, true);
		make_ready(d, t, true);
	}
	return 0;
}

void
dispatch_restarted(struct dispatch *d, int worker)
{
	struct dispatch_worker *w = &d->workers[worker];

	while (w->sent_n) {
		struct task *t = container_of(w->sent.prev, struct task, node);

		unlink_task(d, t);
		drop_answers(d, t);
		make_ready(d, t, true);
	}
	w->tainted = false;
}

/* ---- time ------------------------------------------------------------------------ */

static int64_t
due_of(const struct dispatch *d, const struct dispatch_worker *w)
{
	const struct task *t;
	int64_t since;

	if (!w->sent_n)
		return INT64_MAX;
	t = container_of(w->sent.next, struct task, node);
	since = t->since_ms > w->oldest_ms ? t->since_ms : w->oldest_ms;
	return d->o.answer_ms > INT64_MAX - since ? INT64_MAX : since + d->o.answer_ms;
}

bool
dispatch_overdue(const struct dispatch *d, int worker, int64_t mono_ms)
{
	return mono_ms >= due_of(d, &d->workers[worker]);
}

int64_t
dispatch_tick(struct dispatch *d, int64_t mono_ms)
{
	int64_t next = INT64_MAX;

	while (!list_is_empty(&d->paused)) {
		struct task *t = container_of(d->paused.next, struct task, node);

		if (t->again_ms > mono_ms) {
			next = t->again_ms;
			break;
		}
		unlink_task(d, t);
		make_ready(d, t, true);
	}
	for (int i = 0; i < d->o.workers; i++) {
		int64_t due = due_of(d, &d->workers[i]);

		if (due < next)
			next = due;
	}
	return next;
}

/* ---- what comes out ---------------------------------------------------------------- */

struct task *
dispatch_pop(struct dispatch *d)
{
	struct inflight_item *item = inflight_pop(&d->window);

	return item ? container_of(item, struct task, at) : NULL;
}

void
dispatch_forget(struct dispatch *d, struct slice topic, int32_t partition)
{
	struct inflight_item *item;

	while ((item = inflight_forget(&d->window, topic, partition))) {
		struct task *t = container_of(item, struct task, at);

		if (t->state != TASK_DONE) {
			if (t->state == TASK_SENT)
				worker_of(d, t)->tainted = true;
			d->open--;
			unlink_task(d, t);
			set_suspect(d, t, false);
			if (t->state != TASK_BEHIND)
				leave_key(d, t);
		}
		task_free(d, t);
	}
}
