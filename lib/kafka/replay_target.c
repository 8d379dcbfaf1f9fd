/* replay_target.c - whether the target can take it; made like the source if need be. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/limits.h"
#include "kafka/replay_archive.h"
#include "kafka/replayer.h"

static int
not_made(const char *target, struct err *e)
{
	return err_wrap(e, "--create-like: topic '%s'%s", target,
		e->code == ERR_REFUSED ? " (it needs CREATE)" : "");
}

/* As the archive says that the topic was. */
static int
create_like_archive(struct replayer *r, struct err *e)
{
	const struct admin_options how = { .timeout_ms = r->o->timeout_ms };
	const char *target = r->job.spec.target;
	struct admin_change *changes;
	struct archive a = { 0 };
	char **names;
	int result;

	if (archive_load(&a, r->job.spec.archive, e)) {
		archive_release(&a);
		return -1;
	}
	changes = xcalloc((size_t)a.configs.n, sizeof(*changes));
	names = xcalloc((size_t)a.configs.n, sizeof(*names));
	for (int i = 0; i < a.configs.n; i++) {
		const char *text = a.configs.items[i], *eq = strchr(text, '=');

		names[i] = xmemdup0(text, eq ? (size_t)(eq - text) : strlen(text));
		changes[i] = (struct admin_change){ names[i], eq ? eq + 1 : "" };
	}
	result = admin_create(r->target, target, (int)a.partitions, -1, changes,
		a.configs.n, &how, e) ||
		admin_await(r->target, target, r->o->timeout_ms, e) ? -1 : 0;
	for (int i = 0; i < a.configs.n; i++)
		free(names[i]);
	free(names);
	free(changes);
	archive_release(&a);
	return result ? not_made(target, e) : 0;
}

static int
create_like(struct replayer *r, int partitions, struct err *e)
{
	const struct replay_options *o = r->o;
	const struct admin_options how = { .timeout_ms = o->timeout_ms };
	const char *target = r->job.spec.target;
	struct admin_configs k = { 0 };
	struct admin_change *changes;
	int n = 0, result;

	if (admin_configs(r->source, ADMIN_TOPIC, r->job.spec.topic, o->timeout_ms,
	    &k, e))
		return err_wrap(e, "--create-like: the configs of '%s'",
			r->job.spec.topic);
	changes = xcalloc((size_t)k.n, sizeof(*changes));
	for (int i = 0; i < k.n; i++)
		if (k.items[i].is_override && !k.items[i].is_read_only)
			changes[n++] = (struct admin_change){
				k.items[i].name, k.items[i].value };
	result = admin_create(r->target, target, partitions, -1, changes, n, &how, e) ||
		admin_await(r->target, target, o->timeout_ms, e) ? -1 : 0;
	free(changes);
	admin_configs_release(&k);
	if (!result)
		diag_note("made topic '%s' like '%s': %d partitions, %d configs",
			target, r->job.spec.topic, partitions, n);
	return result ? not_made(target, e) : 0;
}

/* Partitions of a topic; 0 = there is none. */
static int
count_partitions(struct client *c, const char *name, int timeout_ms, int *out,
	struct err *e)
{
	struct admin_topics topics = { 0 };
	const struct admin_topic *t;

	if (admin_topics(c, timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, name);
	*out = t ? t->partitions_n : 0;
	admin_topics_release(&topics);
	return 0;
}

/* Partitions of what --create-like copies. */
static int
count_like(struct replayer *r, int *out, struct err *e)
{
	struct archive a = { 0 };
	int result;

	if (!r->job.spec.archive)
		return count_partitions(r->source, r->job.spec.topic,
			r->o->timeout_ms, out, e);
	result = archive_load(&a, r->job.spec.archive, e);
	*out = (int)a.partitions;
	archive_release(&a);
	return result;
}

/* The oldest of the records that were looked at, in ms from now as the target gets it; -1 = none. */
static int64_t
oldest_age(const struct replayer *r)
{
	int64_t oldest = INT64_MAX;

	for (int i = 0; i < r->job.parts_n && r->probes; i++)
		if (r->probes[i].first_ts >= 0 && r->probes[i].first_ts < oldest)
			oldest = r->probes[i].first_ts;
	if (oldest == INT64_MAX || r->shape.timestamp == REPLAY_TS_NOW)
		return -1;
	if (r->shape.timestamp == REPLAY_TS_SHIFT)
		oldest += r->shape.shift_ms;
	return clock_wall_ms(clock_system()) - oldest;
}

/* What the target's configs do to old records. */
static void
check_configs(struct replayer *r)
{
	const char *target = r->job.spec.target;
	int64_t age = oldest_age(r);
	struct admin_configs k = { 0 };
	struct limits limits;
	struct err ignored;

	if (admin_configs(r->target, ADMIN_TOPIC, target, r->o->timeout_ms, &k,
	    &ignored))
		return;
	limits_from_configs(&limits, &k);
	admin_configs_release(&k);
	if (limits.stamps && r->shape.timestamp != REPLAY_TS_NOW)
		replayer_warn(r, "topic '%s' stamps records itself "
			"(message.timestamp.type): their timestamps are not kept",
			target);
	if (age > limits.past_ms)
		replayer_warn(r, "records are older than topic '%s' takes them "
			"(message.timestamp.before.max.ms=%" PRId64 ") "
			"(--timestamp now, or shift)", target, limits.past_ms);
	if (age > limits.kept_ms)
		replayer_warn(r, "records are older than topic '%s' keeps them "
			"(retention.ms=%" PRId64 "): it will delete them soon "
			"(--timestamp now, or shift)", target, limits.kept_ms);
}

int
replayer_check_partitions(struct replayer *r, struct err *e)
{
	struct replay_job *j = &r->job;
	int32_t highest = j->parts_n ? j->parts[j->parts_n - 1].partition : 0;

	if (r->shape.partition == REPLAY_PART_FIXED &&
	    r->shape.fixed >= r->target_partitions)
		return err_set(e, ERR_NOT_FOUND, "topic '%s' has no partition %d "
			"(it has %d, from 0)", j->spec.target, (int)r->shape.fixed,
			(int)r->target_partitions);
	if (r->shape.partition == REPLAY_PART_SAME &&
	    highest >= r->target_partitions) {
		replayer_warn(r, "topic '%s' has %d partitions and no partition %d: "
			"records are placed by their key", j->spec.target,
			(int)r->target_partitions, (int)highest);
		r->shape.partition = REPLAY_PART_KEY;
	}
	return 0;
}

static int
check_same(const struct replayer *r, struct err *e)
{
	const struct replay_spec *s = &r->job.spec;

	if (s->archive || !r->one_cluster || strcmp(s->topic, s->target) ||
	    r->o->same_topic || !r->is_new)
		return 0;
	return err_set(e, ERR_USAGE, "where to? (--to TOPIC; '%s' into itself: "
		"--same-topic)",
		s->topic);
}

int
replayer_check_target(struct replayer *r, struct err *e)
{
	const struct replay_options *o = r->o;
	struct replay_job *j = &r->job;
	int n, like = 0;

	if (check_same(r, e) ||
	    count_partitions(r->target, j->spec.target, o->timeout_ms, &n, e))
		return -1;
	if (!n && !o->create_like)
		return err_set(e, ERR_NOT_FOUND, "topic '%s' does not exist "
			"(--create-like makes it like '%s'; or: kc-topics create %s)",
			j->spec.target, j->spec.topic, j->spec.target);
	if (!n) {
		if (count_like(r, &like, e))
			return -1;
		r->target_missing = o->dry_run;
		if (!o->dry_run && (j->spec.archive ? create_like_archive(r, e) :
		    create_like(r, like, e)))
			return -1;
		n = like;
	}
	r->target_partitions = n;
	if (replayer_check_partitions(r, e))
		return -1;
	if (!r->target_missing)
		check_configs(r);
	return 0;
}
