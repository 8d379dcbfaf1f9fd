/*
 * replay_archive_read.c - an archive as the source of a replay: a reader for
 * each partition, each with its next record at hand.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/packed.h"
#include "cli/sig.h"
#include "kafka/replay_archive.h"
#include "kafka/replayer.h"
#include "model/envelope.h"

struct file_part {
	int at, end;              /* segments of the archive: [at, end) */
	int64_t to;               /* where it is to end */
	int64_t left;             /* records that the open file should still have */
	struct packed_reader *in; /* NULL = the next file is not open */
	struct envelope_reader reader;
	struct record r;
	bool held, done;
	int64_t next;             /* position */
	int64_t floor;            /* timestamps do not go back */
};

struct archive_source {
	struct replay_source s;
	struct archive a;
	const struct replay_job *job;
	struct file_part *parts;
	bool by_time;
	int part;                 /* of the record that is held */
};

static struct archive_source *
of(struct replay_source *s)
{
	return (struct archive_source *)s;
}

static int
open_next(struct archive_source *s, struct file_part *p, struct err *e)
{
	const struct archive_segment *seg = &s->a.segments[p->at];
	char *path;
	int result;

	if (seg->to <= p->next) {
		p->at++;
		return 0;
	}
	path = archive_path(&s->a, seg->file);
	result = packed_open(&p->in, path, e);
	free(path);
	p->left = seg->records;
	return result;
}

static int
close_file(struct archive_source *s, struct file_part *p, struct err *e)
{
	const struct archive_segment *seg = &s->a.segments[p->at];

	packed_close(p->in);
	p->in = NULL;
	p->at++;
	if (seg->to > p->next)
		p->next = seg->to;
	return p->left ? err_set(e, ERR_CORRUPT, "'%s' has %" PRId64 " records %s "
		"than its manifest says", seg->file, p->left < 0 ? -p->left :
		p->left, p->left < 0 ? "more" : "less") : 0;
}

/* The next record of a partition that was not there yet. */
static int
advance(struct archive_source *s, struct file_part *p, struct err *e)
{
	while (!p->held && !p->done) {
		struct slice line;
		int got;

		if (!p->in) {
			p->done = p->at >= p->end;
			if (!p->done && open_next(s, p, e))
				return -1;
			continue;
		}
		got = packed_next(p->in, &line, e);
		if (got < 0)
			return -1;
		if (!got) {
			if (close_file(s, p, e))
				return -1;
			continue;
		}
		p->left--;
		if (envelope_read(&p->reader, line, &p->r, e))
			return err_wrap(e, "'%s'", s->a.segments[p->at].file);
		p->held = p->r.offset >= p->next && p->r.offset < p->to;
	}
	return 0;
}

static int64_t
time_of(const struct file_part *p)
{
	return p->r.has_timestamp && p->r.timestamp > p->floor ?
		p->r.timestamp : p->floor;
}

static enum consume_status
peek(struct replay_source *source, int wait_ms, const struct record **r, int *part,
	struct err *e)
{
	struct archive_source *s = of(source);
	int best = -1;

	(void)wait_ms;
	if (sig_caught())
		return CONSUME_SIGNAL;
	for (int i = 0; i < s->job->parts_n; i++) {
		if (advance(s, &s->parts[i], e))
			return CONSUME_ERROR;
		if (s->parts[i].held && (best < 0 || (s->by_time &&
		    time_of(&s->parts[i]) < time_of(&s->parts[best]))))
			best = i;
		if (best >= 0 && !s->by_time)
			break;
	}
	if (best < 0)
		return CONSUME_END;
	s->part = *part = best;
	*r = &s->parts[best].r;
	return CONSUME_RECORD;
}

static void
take(struct replay_source *source)
{
	struct archive_source *s = of(source);
	struct file_part *p = &s->parts[s->part];

	p->floor = time_of(p);
	p->next = p->r.offset + 1;
	p->held = false;
}

static void
positions(struct replay_source *source, int64_t *next)
{
	struct archive_source *s = of(source);

	for (int i = 0; i < s->job->parts_n; i++)
		next[i] = s->parts[i].done ? s->parts[i].to : s->parts[i].next;
}

static void
close_archive(struct replay_source *source)
{
	struct archive_source *s = of(source);

	for (int i = 0; i < s->job->parts_n; i++) {
		packed_close(s->parts[i].in);
		envelope_reader_release(&s->parts[i].reader);
	}
	free(s->parts);
	archive_release(&s->a);
	free(s);
}

int
replay_source_archive(struct replay_source **out, const struct replay_job *job,
	bool by_time, struct err *e)
{
	struct archive_source *s = xcalloc(1, sizeof(*s));

	s->s = (struct replay_source){ peek, take, positions, close_archive };
	s->job = job;
	s->by_time = by_time;
	s->parts = xcalloc((size_t)job->parts_n, sizeof(*s->parts));
	if (archive_load(&s->a, job->spec.archive, e)) {
		close_archive(&s->s);
		return -1;
	}
	for (int i = 0; i < job->parts_n; i++) {
		struct file_part *p = &s->parts[i];

		p->next = job->parts[i].next;
		p->to = job->parts[i].to;
		p->floor = INT64_MIN;
		while (p->at < s->a.segments_n &&
		    s->a.segments[p->at].partition != job->parts[i].partition)
			p->at++;
		for (p->end = p->at; p->end < s->a.segments_n &&
		    s->a.segments[p->end].partition == job->parts[i].partition; )
			p->end++;
	}
	*out = &s->s;
	return 0;
}

/* ---- the job ------------------------------------------------------------------------ */

int
replay_archive_spec(const char *dir, const char *digest, struct replay_spec *spec,
	char **owned_dir, char **owned_topic, struct err *e)
{
	struct archive a = { 0 };
	char *path = realpath(dir, NULL);
	int result = -1;

	if (!path)
		err_errno(e, ERR_IO, "cannot open archive '%s'", dir);
	else if (!archive_load(&a, path, e) && !archive_check(&a, digest, e))
		result = 0;
	if (!result) {
		*owned_dir = path;
		*owned_topic = xstrdup(a.topic);
		spec->archive = path;
		spec->topic = *owned_topic;
		if (!spec->target)
			spec->target = spec->topic;
	} else {
		free(path);
	}
	archive_release(&a);
	return result;
}

/* A new job's partitions; of one that goes on, whether it is the same archive. */
int
replay_archive_plan(struct replayer *r, struct err *e)
{
	struct replay_job *j = &r->job;
	struct archive a = { 0 };
	int result = -1;

	if (archive_load(&a, j->spec.archive, e) ||
	    (!r->is_new && archive_check(&a, NULL, e)))
		goto out;
	if (r->is_new) {
		free(j->source_cluster);
		j->source_cluster = xstrdup(a.cluster);
		j->parts = xcalloc((size_t)a.parts_n, sizeof(*j->parts));
		for (; j->parts_n < a.parts_n; j->parts_n++)
			j->parts[j->parts_n] = (struct replay_part){
				a.parts[j->parts_n].partition,
				a.parts[j->parts_n].from, a.parts[j->parts_n].to,
				a.parts[j->parts_n].from, -1, 0, 0 };
	} else if (strcmp(j->source_cluster, a.cluster) ||
		   strcmp(j->spec.topic, a.topic) || j->parts_n != a.parts_n) {
		err_set(e, ERR_FAILED, "'%s' is not the archive that job '%s' began "
			"with", j->spec.archive, j->name);
		goto out;
	}
	result = 0;
out:
	archive_release(&a);
	return result;
}
