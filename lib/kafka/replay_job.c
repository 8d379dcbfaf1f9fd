#include "kafka/replay_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/json.h"

static const char *const mode_names[] = {
	[REPLAY_AUTO] = "auto", [REPLAY_OFFSETS] = "txn-offsets",
	[REPLAY_CHECKPOINT] = "txn-checkpoint", [REPLAY_SCAN] = "scan",
	[REPLAY_NONE] = "none",
};

const char *
replay_mode_name(enum replay_mode m)
{
	return mode_names[m];
}

/* ---- the members that are alike --------------------------------------------- */

enum kind { TEXT, OWN_TEXT, LIST, FLAG, NUMBER };

struct member {
	const char *name;
	enum kind kind;
	size_t at;
};

#define SPEC(member) offsetof(struct replay_spec, member)
static const struct member spec_members[] = {
	{ "topic", TEXT, SPEC(topic) },
	{ "target", TEXT, SPEC(target) },
	{ "archive", TEXT, SPEC(archive) },
	{ "partition", TEXT, SPEC(partitions) },
	{ "offsets", TEXT, SPEC(offsets) },
	{ "from", TEXT, SPEC(from) },
	{ "until", TEXT, SPEC(until) },
	{ "last", TEXT, SPEC(last) },
	{ "key", LIST, SPEC(keys) },
	{ "header", LIST, SPEC(with_headers) },
	{ "key_regex", TEXT, SPEC(key_regex) },
	{ "sample", TEXT, SPEC(sample) },
	{ "tombstones", TEXT, SPEC(tombstones) },
	{ "latest_per_key", FLAG, SPEC(latest_per_key) },
	{ "headers", LIST, SPEC(headers) },
	{ "timestamp", TEXT, SPEC(timestamp) },
	{ "to_partition", TEXT, SPEC(to_partition) },
	{ "via", TEXT, SPEC(via) },
	{ "errors_to", TEXT, SPEC(errors_to) },
	{ "count", NUMBER, SPEC(count) },
	{ "no_tag", FLAG, SPEC(no_tag) },
	{ "follow", FLAG, SPEC(follow) },
	{ "speed", TEXT, SPEC(speed) },
	{ "rate", NUMBER, SPEC(rate) },
	{ "bytes_rate", NUMBER, SPEC(bytes_rate) },
	{ "ramp_ms", NUMBER, SPEC(ramp_ms) },
	{ "max_gap_ms", NUMBER, SPEC(max_gap_ms) },
	{ "max_lag", LIST, SPEC(max_lag) },
	{ 0 }
};

#define JOB(member) offsetof(struct replay_job, member)
static const struct member job_members[] = {
	{ "job", OWN_TEXT, JOB(name) },
	{ "run", OWN_TEXT, JOB(run) },
	{ "state", OWN_TEXT, JOB(state) },
	{ "source_cluster", OWN_TEXT, JOB(source_cluster) },
	{ "target_cluster", OWN_TEXT, JOB(target_cluster) },
	{ "read", NUMBER, JOB(read) },
	{ "sent", NUMBER, JOB(sent) },
	{ "dead", NUMBER, JOB(dead) },
	{ "shift_ms", NUMBER, JOB(shift_ms) },
	{ "started", NUMBER, JOB(started_ms) },
	{ "updated", NUMBER, JOB(updated_ms) },
	{ "host", OWN_TEXT, JOB(host) },
	{ "pid", NUMBER, JOB(pid) },
	{ 0 }
};

#define PART(member) offsetof(struct replay_part, member)
static const struct member part_members[] = {
	{ "from", NUMBER, PART(from) },
	{ "to", NUMBER, PART(to) },
	{ "next", NUMBER, PART(next) },
	{ "last", NUMBER, PART(last) },
	{ "digest", NUMBER, PART(last_digest) },
	{ "sent", NUMBER, PART(sent) },
	{ 0 }
};

#define GAP(member) offsetof(struct replay_gap, member)
static const struct member gap_members[] = {
	{ "from", NUMBER, GAP(from) },
	{ "to", NUMBER, GAP(to) },
	{ 0 }
};

static void
write_list(struct json *to, const char *name, const struct opt_list *l)
{
	struct json *items;

	if (!l->n)
		return;
	items = json_array();
	for (int i = 0; i < l->n; i++)
		json_add_text(items, NULL, slice_str(l->items[i]));
	json_add(to, name, items);
}

/* Texts that are not there are left out. */
static void
write_members(struct json *to, const struct member *m, const void *object)
{
	for (; m->name; m++) {
		const void *p = (const char *)object + m->at;

		switch (m->kind) {
		case TEXT:
		case OWN_TEXT:
			if (*(const char *const *)p)
				json_add_text(to, m->name,
					slice_str(*(const char *const *)p));
			break;
		case LIST:
			write_list(to, m->name, p);
			break;
		case FLAG:
			if (*(const bool *)p)
				json_add_bool(to, m->name, true);
			break;
		case NUMBER:
			json_add_int(to, m->name, *(const int64_t *)p);
			break;
		}
	}
}

static void
read_list(const struct json *j, struct opt_list *l)
{
	int n = 0;

	for (const struct json *i = json_first(j); i; i = json_next(i))
		n++;
	l->items = xcalloc((size_t)n + 1, sizeof(*l->items));
	if (json_string(j)) /* what was one once */
		l->items[l->n++] = json_string(j);
	for (const struct json *i = json_first(j); i; i = json_next(i))
		if (json_string(i))
			l->items[l->n++] = json_string(i);
}

static void
read_members(const struct json *j, const struct member *m, void *object)
{
	for (; m->name; m++) {
		const struct json *from = json_get(j, m->name);
		void *p = (char *)object + m->at;

		if (!from)
			continue;
		switch (m->kind) {
		case TEXT:
			*(const char **)p = json_string(from);
			break;
		case OWN_TEXT:
			if (json_string(from) && !*(char **)p)
				*(char **)p = xstrdup(json_string(from));
			break;
		case LIST:
			read_list(from, p);
			break;
		case FLAG:
			json_bool(from, p);
			break;
		case NUMBER:
			json_int(from, p);
			break;
		}
	}
}

/* ---- the document ------------------------------------------------------------ */

static void
write_numbers(struct json *to, const char *name, const int64_t *n, int count)
{
	struct json *items = json_array();

	for (int i = 0; i < count; i++)
		json_add_int(items, NULL, n[i]);
	json_add(to, name, items);
}

static void
write_parts(struct json *to, const struct replay_job *j)
{
	struct json *parts = json_array(), *gaps = json_array();

	for (int i = 0; i < j->parts_n; i++) {
		struct json *p = json_object();

		json_add_int(p, "partition", j->parts[i].partition);
		write_members(p, part_members, &j->parts[i]);
		json_add(parts, NULL, p);
	}
	for (int i = 0; i < j->gaps_n; i++) {
		struct json *g = json_object();

		json_add_int(g, "partition", j->gaps[i].partition);
		write_members(g, gap_members, &j->gaps[i]);
		json_add(gaps, NULL, g);
	}
	json_add(to, "partitions", parts);
	json_add(to, "gaps", gaps);
}

void
replay_job_write(const struct replay_job *j, struct buf *out)
{
	struct json *doc = json_object(), *spec = json_object();

	write_members(doc, job_members, j);
	json_add_str(doc, "mode", replay_mode_name(j->mode));
	write_members(spec, spec_members, &j->spec);
	json_add(doc, "spec", spec);
	write_parts(doc, j);
	write_numbers(doc, "target_ends", j->target_ends, j->target_n);
	write_numbers(doc, "flushed_ends", j->flushed_ends, j->target_n);
	json_print(out, doc);
	json_free(doc);
}

static int
count(const struct json *j)
{
	int n = 0;

	for (const struct json *i = json_first(j); i; i = json_next(i))
		n++;
	return n;
}

static void
read_parts(const struct json *doc, struct replay_job *j)
{
	const struct json *parts = json_get(doc, "partitions"), *i;
	const struct json *gaps = json_get(doc, "gaps");
	int64_t n;

	j->parts = xcalloc((size_t)count(parts), sizeof(*j->parts));
	for (i = json_first(parts); i; i = json_next(i)) {
		struct replay_part *p = &j->parts[j->parts_n];

		if (!json_int(json_get(i, "partition"), &n) || n < 0 || n > INT32_MAX)
			continue;
		j->parts_n++;
		p->partition = (int32_t)n;
		p->last = -1;
		read_members(i, part_members, p);
	}
	j->gaps = xcalloc((size_t)count(gaps), sizeof(*j->gaps));
	for (i = json_first(gaps); i; i = json_next(i)) {
		if (!json_int(json_get(i, "partition"), &n))
			continue;
		j->gaps[j->gaps_n].partition = (int32_t)n;
		read_members(i, gap_members, &j->gaps[j->gaps_n++]);
	}
}

static int64_t *
read_numbers(const struct json *items, int n)
{
	int64_t *out = xcalloc((size_t)n, sizeof(*out));
	const struct json *i = json_first(items);

	for (int k = 0; k < n && i; k++, i = json_next(i))
		json_int(i, &out[k]);
	return out;
}

int
replay_job_read(struct replay_job *j, struct slice text, struct err *e)
{
	const char *mode;

	*j = (struct replay_job){ .spec = REPLAY_SPEC_INIT };
	j->doc = json_parse(text, e);
	if (!j->doc)
		return -1;
	read_members(j->doc, job_members, j);
	read_members(json_get(j->doc, "spec"), spec_members, &j->spec);
	mode = json_string(json_get(j->doc, "mode"));
	for (int m = REPLAY_OFFSETS; mode && m <= REPLAY_NONE; m++)
		if (!strcmp(mode, mode_names[m]))
			j->mode = (enum replay_mode)m;
	j->target_n = count(json_get(j->doc, "target_ends"));
	j->target_ends = read_numbers(json_get(j->doc, "target_ends"), j->target_n);
	j->flushed_ends = read_numbers(json_get(j->doc, "flushed_ends"), j->target_n);
	read_parts(j->doc, j);
	if (!j->name || !j->run || !j->state || !j->spec.topic ||
	    !j->spec.target || !j->source_cluster || j->mode == REPLAY_AUTO)
		return err_set(e, ERR_FORMAT, "is not the document of a replay");
	return 0;
}

void
replay_job_release(struct replay_job *j)
{
	if (j->doc) {
		free(j->spec.keys.items);
		free(j->spec.with_headers.items);
		free(j->spec.headers.items);
		free(j->spec.max_lag.items);
	}
	json_free(j->doc);
	free(j->name);
	free(j->run);
	free(j->state);
	free(j->source_cluster);
	free(j->target_cluster);
	free(j->parts);
	free(j->target_ends);
	free(j->flushed_ends);
	free(j->gaps);
	free(j->host);
	*j = (struct replay_job){ 0 };
}

void
replay_job_gap(struct replay_job *j, int32_t partition, int64_t from, int64_t to)
{
	j->gaps = xreallocarray(j->gaps, (size_t)j->gaps_n + 1, sizeof(*j->gaps));
	j->gaps[j->gaps_n++] = (struct replay_gap){ partition, from, to };
}

int64_t
replay_job_left(const struct replay_job *j)
{
	int64_t n = 0;

	if (j->spec.follow)
		return -1;
	for (int i = 0; i < j->parts_n; i++)
		if (j->parts[i].to > j->parts[i].next)
			n += j->parts[i].to - j->parts[i].next;
	return n;
}

int64_t
replay_job_total(const struct replay_job *j)
{
	int64_t n = 0;

	if (j->spec.follow)
		return -1;
	for (int i = 0; i < j->parts_n; i++)
		n += j->parts[i].to - j->parts[i].from;
	return n;
}
