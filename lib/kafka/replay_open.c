/* replay_open.c - clusters, the job, and what its texts mean. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "kafka/handle.h"
#include "kafka/replayer.h"

enum { SETTLE_MS = 2000 };

void
replayer_warn(struct replayer *r, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&text, fmt, ap);
	va_end(ap);
	r->warnings = xreallocarray(r->warnings, (size_t)r->warnings_n + 1,
		sizeof(*r->warnings));
	r->warnings[r->warnings_n++] = xstrdup(buf_cstr(&text));
	buf_release(&text);
}

bool
replayer_is_txn(const struct replayer *r)
{
	return r->job.mode == REPLAY_OFFSETS || r->job.mode == REPLAY_CHECKPOINT;
}

/* returns owned */
static char *
cluster_id(struct client *c, int timeout_ms, struct err *e)
{
	char *id = rd_kafka_clusterid(client_handle(c), timeout_ms), *copy;

	if (!id) {
		err_set(e, ERR_TEMPORARY, "the cluster did not tell its id in time "
			"(raise --timeout?)");
		return NULL;
	}
	copy = xstrdup(id);
	rd_kafka_mem_free(client_handle(c), id);
	return copy;
}

int
replayer_open(struct replayer *r, const struct replay_options *o, struct err *e)
{
	int timeout = o->timeout_ms;
	char *source, *target;

	*r = (struct replayer){ .o = o };
	r->select.sample = SAMPLE_ALL;
	if (client_open(&r->source, o->source_conf, CLIENT_OFFSETS, NULL, e) ||
	    client_wait(r->source, timeout, e))
		return -1;
	r->target = r->source;
	if (o->target_conf != o->source_conf) {
		r->target = NULL;
		if (client_open(&r->target, o->target_conf, CLIENT_OFFSETS, NULL,
		    e) || client_wait(r->target, timeout, e))
			return err_wrap(e, "the target cluster");
	}
	source = r->job.source_cluster = cluster_id(r->source, timeout, e);
	target = r->job.target_cluster = cluster_id(r->target, timeout, e);
	if (!source || !target)
		return -1;
	r->one_cluster = !strcmp(source, target);
	return 0;
}

void
replayer_close(struct replayer *r)
{
	if (r->in)
		r->in->close(r->in);
	producer_close(r->producer);
	replay_latest_free(r->latest);
	replay_via_free(r->via);
	replay_tally_release(&r->seen);
	if (r->target != r->source)
		client_close(r->target);
	client_close(r->source);
	replay_select_release(&r->select);
	replay_shape_release(&r->shape);
	replay_job_release(&r->job);
	for (int i = 0; i < r->warnings_n; i++)
		free(r->warnings[i]);
	free(r->warnings);
	free(r->keys);
	free(r->with_headers);
	free(r->starts);
	free(r->highs);
	free(r->probes);
	free(r->transactional_id);
	free(r->group);
	free(r->next);
	free(r->committed);
	for (int i = 0; i < r->lags_n; i++)
		free(r->lags[i].group);
	free(r->lags);
	replayer_free_dead(r);
	arena_release(&r->arena);
	free(r->acked_ends);
	buf_release(&r->snapshot_text);
	buf_release(&r->text);
}

/* ---- the job ----------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	return clock_wall_ms(clock_system());
}

static void
set_holder(struct replay_job *j)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	free(j->host);
	j->host = xstrdup(host);
	j->pid = getpid();
}

static void
new_job(struct replayer *r)
{
	const struct replay_options *o = r->o;
	struct replay_job *j = &r->job;
	struct buf text = BUF_INIT;

	j->spec = o->spec;
	j->started_ms = j->updated_ms = now_ms();
	j->state = xstrdup("running");
	if (o->name)
		buf_addstr(&text, o->name);
	else
		buf_addf(&text, "%s-%" PRId64, o->spec.topic, j->started_ms);
	j->name = xstrdup(buf_cstr(&text));
	if (o->name)
		buf_addf(&text, ".%" PRId64, j->started_ms);
	j->run = xstrdup(buf_cstr(&text));
	buf_release(&text);
	r->is_new = true;
}

/* A name that is taken: by a run that is done with it, or not. */
int
replayer_check_name(const struct replay_jobs *jobs, struct err *e)
{
	const struct replay_job *j = jobs->n ? &jobs->items[0] : NULL;

	if (!j || !strcmp(j->state, "done"))
		return 0;
	if (j->spec.follow)
		return err_set(e, ERR_EXISTS, "job '%s' has begun already, and "
			"follows its topic (go on with it: kc-replay --resume %s)",
			j->name, j->name);
	return err_set(e, ERR_EXISTS, "job '%s' has begun already and is not done: "
		"%" PRId64 " of %" PRId64 " offsets are left (go on with it: "
		"kc-replay --resume %s)", j->name, replay_job_left(j),
		replay_job_total(j), j->name);
}

/* The clusters that the job knows must be those that we talk to. */
static int
check_clusters(const struct replayer *r, const struct replay_job *j, struct err *e)
{
	bool archive = j->spec.archive;

	if (!archive && strcmp(j->source_cluster, r->job.source_cluster))
		return err_set(e, ERR_FAILED, "job '%s' reads from cluster %s, and "
			"this is %s (was it made anew? see -b and --profile)",
			j->name, j->source_cluster, r->job.source_cluster);
	if (j->target_cluster && strcmp(j->target_cluster, r->job.target_cluster))
		return err_set(e, ERR_FAILED, "job '%s' writes to cluster %s, and "
			"this is %s (see --to-cluster)", j->name,
			j->target_cluster, r->job.target_cluster);
	return 0;
}

/*
 * Two that go on without transactions would both send. Transactions settle it
 * by themselves: the newer run fences the older.
 */
static int
check_holder(const struct replay_job *j, struct err *e)
{
	if (j->mode != REPLAY_SCAN || strcmp(replay_job_condition(j, now_ms()),
	    "running"))
		return 0;
	return err_set(e, ERR_REFUSED, "job '%s' is being run by process %" PRId64
		" on '%s'", j->name, j->pid, j->host ? j->host : "?");
}

static int
take_over(struct replayer *r, struct replay_jobs *jobs, const char *name,
	struct err *e)
{
	struct replay_job *j = jobs->n ? &jobs->items[0] : NULL;

	if (!j)
		return err_set(e, ERR_NOT_FOUND, "there is no job '%s' (kc-replay "
			"jobs lists them; they are kept in the target cluster)", name);
	if (check_clusters(r, j, e) || check_holder(j, e))
		return -1;
	replay_job_release(&r->job);
	r->job = *j;
	*j = (struct replay_job){ 0 };
	return 0;
}

/*
 * Before the producer is open, nothing is settled: a transaction of a run that
 * was killed may be open, and would be waited for in vain. A document that is
 * not to be seen may be behind another job's, which ends soon.
 */
static int
look_for(struct replayer *r, const char *name, struct replay_jobs *jobs,
	struct err *e)
{
	const struct replay_options *o = r->o;
	struct err why = ERR_INIT;

	if (admin_check_name(slice_str(name), &why))
		return err_set(e, ERR_USAGE, "'%s' cannot be a job's name (1 to 249 "
			"letters, digits, '.', '_', '-')", name);
	if (replay_jobs_load(jobs, r->target, o->target_conf, name, 0,
	    o->timeout_ms, e))
		return -1;
	if (jobs->n || !o->resume)
		return 0;
	replay_jobs_release(jobs);
	if (replay_jobs_load(jobs, r->target, o->target_conf, name, SETTLE_MS,
	    o->timeout_ms, &why))
		replay_jobs_release(jobs);
	return 0;
}

int
replayer_find(struct replayer *r, struct err *e)
{
	const struct replay_options *o = r->o;
	const char *name = o->resume ? o->resume : o->name;
	struct replay_jobs jobs = { 0 };
	int result = 0;

	if (name && look_for(r, name, &jobs, e))
		result = -1;
	else if (o->resume)
		result = take_over(r, &jobs, name, e);
	else if (!replayer_check_name(&jobs, e))
		new_job(r);
	else
		result = -1;
	replay_jobs_release(&jobs);
	if (!result && strcmp(r->job.state, "done"))
		set_holder(&r->job);
	return result;
}

/* ---- selection and shape ------------------------------------------------------ */

static int
parse_filters(struct replayer *r, struct err *e)
{
	const struct replay_spec *s = &r->job.spec;

	r->keys = xcalloc((size_t)s->keys.n, sizeof(*r->keys));
	for (int i = 0; i < s->keys.n; i++)
		r->keys[i] = slice_str(s->keys.items[i]);
	r->with_headers = xcalloc((size_t)s->with_headers.n, sizeof(*r->with_headers));
	for (int i = 0; i < s->with_headers.n; i++) {
		const char *text = s->with_headers.items[i], *eq = strchr(text, '=');

		if (!*text || eq == text)
			return err_set(e, ERR_USAGE, "-H '%s': a header has a name "
				"(NAME=VALUE, or NAME for any value)", text);
		r->with_headers[i] = (struct record_header){
			slice_make(text, eq ? (size_t)(eq - text) : strlen(text)),
			slice_str(eq ? eq + 1 : NULL) };
	}
	r->select.keys = r->keys;
	r->select.keys_n = s->keys.n;
	r->select.headers = r->with_headers;
	r->select.headers_n = s->with_headers.n;
	if (s->tombstones)
		r->select.tombstones = *s->tombstones == 'd' ? TOMBSTONES_DROP :
			*s->tombstones == 'o' ? TOMBSTONES_ONLY : TOMBSTONES_KEEP;
	if (s->key_regex && replay_select_regex(&r->select, s->key_regex, e))
		return err_wrap(e, "--key-regex");
	if (s->sample && replay_select_sample(&r->select, s->sample, e))
		return err_wrap(e, "--sample");
	return 0;
}

/* A pace on the command line takes the place of the job's. */
static int
parse_pace(struct replayer *r, struct err *e)
{
	const struct replay_spec *given = &r->o->spec;
	struct replay_spec *s = &r->job.spec;
	struct replay_pace *p = &r->pace;

	if (given->speed || given->rate >= 0 || given->bytes_rate >= 0) {
		s->speed = given->speed;
		s->rate = given->rate;
		s->bytes_rate = given->bytes_rate;
		s->ramp_ms = given->ramp_ms;
		s->max_gap_ms = given->max_gap_ms;
	}
	if (given->max_lag.n && r->job.doc) {
		free(s->max_lag.items);
		s->max_lag.n = given->max_lag.n;
		s->max_lag.items = xmemdup(given->max_lag.items,
			(size_t)given->max_lag.n * sizeof(*given->max_lag.items));
	}
	p->max_gap_ms = s->max_gap_ms;
	p->ramp_ms = s->ramp_ms > 0 ? s->ramp_ms : 0;
	if (r->o->step) {
		p->kind = PACE_STEP;
	} else if (s->rate >= 0 || s->bytes_rate >= 0) {
		p->kind = s->rate >= 0 ? PACE_RATE : PACE_BYTES;
		p->rate = s->rate >= 0 ? s->rate : s->bytes_rate;
	} else if (s->speed && replay_pace_speed(p, s->speed, e)) {
		return err_wrap(e, "--speed");
	}
	return replayer_parse_lags(r, &s->max_lag, e);
}

int
replayer_apply(struct replayer *r, struct err *e)
{
	const struct replay_spec *s = &r->job.spec;
	int64_t start;

	r->shape.topic = slice_str(s->target);
	for (int i = 0; i < s->headers.n; i++)
		if (replay_shape_headers(&r->shape, s->headers.items[i], e))
			return -1;
	/* At the first run the first timestamp becomes this; then it is kept. */
	if (parse_filters(r, e) || parse_pace(r, e) ||
	    replay_shape_timestamp(&r->shape, s->timestamp, r->job.started_ms,
	    &start, e) || replay_shape_partition(&r->shape, s->to_partition, e))
		return -1;
	if (r->is_new)
		r->job.shift_ms = start;
	r->shape.shift_ms = r->job.shift_ms;
	if (!s->no_tag)
		r->shape.run = slice_str(r->job.run);
	if (s->via)
		r->via = replay_via_new(s->via);
	return 0;
}
