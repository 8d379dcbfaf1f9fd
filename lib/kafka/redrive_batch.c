/* redrive_batch.c - a batch of copies, from chosen to committed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/dlq_origin.h"
#include "kafka/redrive_via.h"
#include "kafka/redriver.h"

/* A copy must not go where dead letters lie, and keeps its partition where there is one. */
int
redrive_check_target(struct redriver *j, struct record *copy, struct err *e)
{
	const char *name = arena_printf(&j->memory,
		"%.*s", SLICE_ARG(copy->topic));
	const struct admin_topic *t = admin_topics_find(j->d->target.topics, name);

	if (!strcmp(name, j->d->o.topic) || dlq_is_name(copy->topic))
		return err_set(e, ERR_FAILED, "'%s' is a dead-letter topic itself "
			"(--to TOPIC)", name);
	if (!t)
		return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist, "
			"or may not be seen (--to TOPIC, or kc-topics create)", name);
	if (copy->partition >= t->partitions_n)
		copy->partition = -1;
	return 0;
}

/* Of the topics there are, the retry topic that comes first. */
static const char *
find_retry(struct redriver *j, struct slice origin)
{
	int64_t lowest = INT64_MAX, level;

	if (slice_eq(j->retry_of, origin))
		return j->retry;
	free((void *)(uintptr_t)j->retry_of.data);
	j->retry_of = slice_make(xmemdup0(origin.data, origin.len), origin.len);
	j->retry = NULL;
	for (int i = 0; i < j->d->target.topics->n; i++) {
		const char *name = j->d->target.topics->items[i].name;

		if (redrive_retry_level(origin, slice_str(name), &level) &&
		    level < lowest) {
			lowest = level;
			j->retry = name;
		}
	}
	return j->retry;
}

int
redrive_form_of(struct redriver *j, const struct deadletter *d,
	struct redrive_form *out, struct err *e)
{
	struct slice origin = d->origin.topic;

	*out = j->o->form;
	if (!j->o->to_retry || slice_is_null(origin))
		return 0;
	out->to = find_retry(j, origin);
	return out->to ? 0 : err_set(e, ERR_NOT_FOUND, "'%.*s' has no retry "
		"topic (such as %.*s.retry; or --to TOPIC)", SLICE_ARG(origin),
		SLICE_ARG(origin));
}

static void
on_failed(void *arg, const struct dlq_change *c, const struct err *why)
{
	redrive_fail(arg, c->entry.partition, c->entry.offset, why);
}

static void
drop(struct redriver *j, struct dlq_change *c, const struct err *why)
{
	on_failed(j, c, why);
	j->run->failed++;
	c->gone = true;
}

/* ---- order ---- */

static int
by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* One key's records go in the order in which they died first. */
static int
by_origin(const void *a, const void *b)
{
	const struct dlq_change *p = a, *q = b;
	struct slice s = p->origin_topic, t = q->origin_topic;
	size_t n = s.len < t.len ? s.len : t.len;
	int way = n ? memcmp(s.data, t.data, n) : 0;

	if (!way)
		way = by_number((int64_t)s.len, (int64_t)t.len);
	if (!way)
		way = by_number(p->origin_partition, q->origin_partition);
	if (!way)
		way = by_number(p->origin_offset, q->origin_offset);
	if (!way)
		way = by_number(p->entry.partition, q->entry.partition);
	return way ? way : by_number(p->entry.offset, q->entry.offset);
}

/* ---- payloads of the origin ---- */

static void
take_source(struct dlq_source *s, const struct record *r)
{
	struct dlq_change *c = s->user;
	struct record made;

	redrive_dress(&c->copy, r, false, &c->batch->memory, &made);
	dlq_batch_replace(c->batch, c, &made);
	c->entry.fingerprint = ledger_fingerprint(r->key, r->value);
}

static int
fetch_payloads(struct redriver *j, struct err *e)
{
	struct dlq_source *list = xcalloc((size_t)j->batch.n + 1, sizeof(*list));
	int n = 0, result;

	for (int i = 0; i < j->batch.n; i++) {
		struct dlq_change *c = &j->batch.items[i];

		if (!c->fetch)
			continue;
		c->batch = &j->batch;
		list[n++] = (struct dlq_source){ .user = c, .origin = {
			.topic = c->origin_topic,
			.partition = c->origin_partition,
			.offset = c->origin_offset } };
	}
	result = n ? dlq_sources(j->d, list, n, take_source, e) : 0;
	for (int i = 0; i < n && !result; i++) {
		struct err why = ERR_INIT;

		if (list[i].what == DLQ_SOURCE_THERE)
			continue;
		if (list[i].what == DLQ_SOURCE_UNTOLD)
			err_set(&why, ERR_FAILED, "its headers do not tell where "
				"its payload is");
		else
			dlq_source_error(&list[i], &why);
		drop(j, list[i].user, &why);
	}
	free(list);
	return result;
}

/* ---- configs of a target ---- */

/*
 * Into j->limits; without says which option does without. Who may not see
 * configs knows of no limits, unless they are needed.
 */
static int
ask_configs(struct redriver *j, struct slice topic, bool needed,
	const char *without, struct err *e)
{
	struct admin_configs k = { 0 };
	struct err why = ERR_INIT;
	char *name;

	if (slice_eq(j->asked, topic) && !(needed && j->unseen))
		return 0;
	name = xmemdup0(topic.data, topic.len);
	j->unseen = admin_configs(j->d->target.client, ADMIN_TOPIC, name,
		j->d->o.timeout_ms, &k, &why);
	if (j->unseen && (needed || why.code != ERR_REFUSED)) {
		free(name);
		*e = why;
		return err_wrap(e, "configs of topic '%.*s' (%s does not ask for "
			"them)", SLICE_ARG(topic), without);
	}
	if (j->unseen)
		limits_init(&j->limits);
	else
		limits_from_configs(&j->limits, &k);
	admin_configs_release(&k);
	free((void *)(uintptr_t)j->asked.data);
	j->asked = slice_make(name, topic.len);
	return 0;
}

/* What retention would delete at once is as good as not sent. */
static int
drop_expired(struct redriver *j, struct err *e)
{
	for (int i = 0; i < j->batch.n && j->o->form.keep_timestamp; i++) {
		struct dlq_change *c = &j->batch.items[i];
		struct err why = ERR_INIT;

		if (c->gone || slice_is_null(c->copy.topic) || !c->copy.has_timestamp)
			continue;
		if (ask_configs(j, c->copy.topic, false, "--timestamp now", e))
			return -1;
		if (c->copy.timestamp >= j->now_ms - j->limits.kept_ms)
			continue;
		err_set(&why, ERR_FAILED, "it is older than topic '%.*s' keeps "
			"records (retention.ms=%" PRId64 "): it would be deleted "
			"at once (--timestamp now)", SLICE_ARG(c->copy.topic),
			j->limits.kept_ms);
		drop(j, c, &why);
	}
	return 0;
}

/* ---- newer records of the same key ---- */

static void
set_aside(struct redriver *j, struct dlq_change *c, int64_t newer, bool park)
{
	struct err why = ERR_INIT;
	char *text = arena_printf(&j->batch.memory, "its key has a newer record, "
		"'%.*s' %" PRId32 ":%" PRId64, SLICE_ARG(c->origin_topic),
		c->origin_partition, newer);

	err_set(&why, ERR_PARTIAL, "%s%s (--if-newer)", park ? "parked: " :
		"skipped: ", text);
	j->o->told(j->o->arg, c->entry.partition, c->entry.offset,
		park ? LEDGER_PARKED : LEDGER_OPEN, &why);
	if (!park) {
		j->run->skipped++;
		c->gone = true;
		return;
	}
	c->entry.state = LEDGER_PARKED;
	c->entry.redrives--;
	c->entry.note = slice_str(text);
	c->copy.topic = SLICE_NULL;
	j->batch.copies--;
}

static int
look_for_newer(struct redriver *j, struct err *e)
{
	enum redrive_newer_mode mode = j->o->if_newer;

	for (int i = 0; i < j->batch.n && mode != REDRIVE_NEWER_SEND; i++) {
		struct dlq_change *c = &j->batch.items[i];
		int64_t newer;

		if (c->gone || slice_is_null(c->copy.topic) ||
		    c->origin_partition < 0 || c->origin_offset < 0)
			continue;
		if (mode == REDRIVE_NEWER_AUTO &&
		    ask_configs(j, c->copy.topic, true, "--if-newer send", e))
			return -1;
		if (mode == REDRIVE_NEWER_AUTO && !j->limits.compacted)
			continue;
		if (!j->newer)
			j->newer = redrive_newer_new(j->d->conf, j->d->client,
				j->d->o.timeout_ms);
		if (redrive_newer_find(j->newer, arena_printf(&j->batch.memory,
		    "%.*s", SLICE_ARG(c->origin_topic)), c->origin_partition,
		    c->origin_offset, c->copy.key, &newer, e))
			return -1;
		if (newer >= 0)
			set_aside(j, c, newer, mode != REDRIVE_NEWER_SKIP);
	}
	return 0;
}

/* ---- commands ---- */

static void
on_dropped(void *arg, const struct dlq_change *c)
{
	struct redriver *j = arg;
	struct err why = ERR_INIT;

	err_set(&why, ERR_PARTIAL, "skipped: the command of --via left it out");
	j->run->skipped++;
	redrive_fail(j, c->entry.partition, c->entry.offset, &why);
}

static void
on_refused(void *arg, const struct dlq_change *c, const struct err *why)
{
	struct redriver *j = arg;

	j->run->failed++;
	on_failed(j, c, why);
}

/* What would be done with it now was not planned. */
static void
hold_to_plan(struct redriver *j)
{
	for (int i = 0; i < j->batch.n; i++) {
		struct err why = ERR_INIT;

		if (redrive_as_planned(j, &j->batch.items[i]))
			continue;
		err_set(&why, ERR_FAILED, "it would not be sent, or parked, as "
			"the plan says (make a new one)");
		drop(j, &j->batch.items[i], &why);
	}
	dlq_batch_sweep(&j->batch);
}

static int
run_commands(struct redriver *j, struct err *e)
{
	if (!j->batch.copies)
		return 0;
	if (j->o->via) {
		if (redrive_via(&j->batch, j->d->o.topic, j->o->via,
		    on_dropped, j, e))
			return -1;
		for (int i = 0; i < j->batch.n; i++) {
			struct dlq_change *c = &j->batch.items[i];
			struct err why = ERR_INIT;

			if (!slice_is_null(c->copy.topic) &&
			    redrive_check_target(j, &c->copy, &why))
				drop(j, c, &why);
		}
		dlq_batch_sweep(&j->batch);
	}
	return j->o->check && j->batch.copies ? redrive_check(&j->batch,
		j->d->o.topic, j->o->check, on_refused, j, e) : 0;
}

/* ---- all of it ---- */

static int
prepare(struct redriver *j, struct err *e)
{
	if (j->batch.n)
		qsort(j->batch.items, (size_t)j->batch.n,
			sizeof(*j->batch.items), by_origin);
	if (fetch_payloads(j, e) || drop_expired(j, e) || look_for_newer(j, e))
		return -1;
	dlq_batch_sweep(&j->batch);
	return run_commands(j, e);
}

static void
count_dry(struct redriver *j)
{
	for (int i = 0; i < j->batch.n; i++)
		j->run->parked += j->batch.items[i].entry.state == LEDGER_PARKED;
	j->run->sent += j->batch.copies;
	dlq_batch_clear(&j->batch);
}

int
redrive_commit(struct redriver *j, struct err *e)
{
	const struct dlq_commit o = { j->run, on_failed, j };

	if (prepare(j, e))
		return -1;
	if (j->o->planned)
		hold_to_plan(j);
	if (j->o->dry_run) {
		if (j->o->plan && redrive_plan_write(j, e))
			return -1;
		count_dry(j);
		return 0;
	}
	if (!j->batch.n && j->begun)
		return 0;
	j->begun = true;
	if (pace_wait(&j->pace, j->batch.copies, j->batch.bytes)) {
		dlq_batch_clear(&j->batch);
		return -1;
	}
	/* what was committed last counts, too */
	if (j->o->holds_n && j->batch.copies)
		dlq_writer_settle(j->d);
	for (int i = 0; i < j->o->holds_n; i++)
		if (redrive_hold(j->holds[i], &j->batch, e)) {
			dlq_batch_clear(&j->batch);
			return -1;
		}
	if (dlq_commit(j->d, &j->batch, &o, e))
		return -1;
	j->now_ms = clock_wall_ms(clock_system());
	if (j->o->progress)
		j->o->progress(j->o->arg, j->run);
	return 0;
}
