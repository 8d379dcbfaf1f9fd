/*
 * replay_archive_write.c - kc-replay export: one partition behind the other,
 * in files of a size. The manifest is written after each file, so that an
 * export that ends half way goes on behind the last one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "cli/digest.h"
#include "cli/packed.h"
#include "cli/progress.h"
#include "cli/sig.h"
#include "kafka/replay_archive.h"
#include "kafka/replayer.h"
#include "model/envelope.h"

enum { BLOCK = 1 << 20 };

struct export {
	struct replayer r;
	struct archive a;
	int64_t segment_size;
	struct packed_writer *out;
	struct archive_segment now;   /* the file that is written */
	struct buf lines;
	struct progress progress;
	int64_t records;              /* of this run */
};

/* ---- files ------------------------------------------------------------------------- */

static int
begin_file(struct export *x, int32_t partition, int64_t from, struct err *e)
{
	struct buf name = BUF_INIT;
	char *path;
	int result;

	archive_file_name(&name, partition, from);
	x->now = (struct archive_segment){ .file = xstrdup(buf_cstr(&name)),
		.partition = partition, .from = from };
	buf_release(&name);
	path = archive_path(&x->a, x->now.file);
	result = packed_create(&x->out, path, e);
	free(path);
	return result;
}

static int
write_lines(struct export *x, struct err *e)
{
	int result = packed_write(x->out, buf_slice(&x->lines), e);

	x->now.bytes += (int64_t)x->lines.len;
	buf_clear(&x->lines);
	return result;
}

/* The file is complete up to this offset, and in the manifest. */
static int
end_file(struct export *x, int64_t to, struct err *e)
{
	struct archive *a = &x->a;
	long long size;
	char *path;
	int result;

	if (write_lines(x, e))
		return -1;
	result = packed_finish(x->out, e);
	x->out = NULL;
	if (result)
		return -1;
	path = archive_path(a, x->now.file);
	result = digest_file(path, x->now.sha256, &size, e);
	free(path);
	if (result)
		return -1;
	x->now.size = size;
	x->now.to = to;
	archive_add(a, &x->now);
	x->now.file = NULL;
	archive_link(a, a->segments_n, a->segments[a->segments_n - 1].chain);
	return archive_save(a, e);
}

/* ---- records ------------------------------------------------------------------------- */

static int
put(struct export *x, const struct record *rec, struct err *e)
{
	if (!x->out && begin_file(x, rec->partition, x->now.to, e))
		return -1;
	envelope_write(&x->lines, rec, 0);
	x->now.records++;
	x->records++;
	if (x->lines.len < BLOCK)
		return 0;
	progress_update(&x->progress, x->records);
	return write_lines(x, e);
}

/* One partition from where it is; now.to is where the next file begins. */
static int
copy_part(struct export *x, struct replay_source *in, struct replay_job *job,
	struct err *e)
{
	const struct replay_part *p = &job->parts[0];
	const struct record *rec;
	int64_t next;
	int part;

	for (;;) {
		enum consume_status status = in->peek(in, 1000, &rec, &part, e);

		if (status == CONSUME_SIGNAL || sig_caught()) {
			in->positions(in, &next);
			return x->out ? end_file(x, next, e) : 0;
		}
		if (status == CONSUME_END)
			break;
		if (status == CONSUME_IDLE)
			continue;
		if (status != CONSUME_RECORD)
			return -1;
		if (x->out && x->now.bytes + (int64_t)x->lines.len >= x->segment_size) {
			next = rec->offset;
			if (end_file(x, next, e))
				return -1;
			x->now.to = next;
		}
		if (replay_selects(&x->r.select, rec) && put(x, rec, e))
			return -1;
		in->take(in);
	}
	/* Also where nothing was chosen: the archive covers it. */
	if (!x->out && begin_file(x, p->partition, x->now.to, e))
		return -1;
	return end_file(x, p->to, e);
}

/* Where the files of a partition end. */
static int64_t
covered(const struct archive *a, const struct archive_part *p)
{
	int64_t to = p->from;

	for (int i = 0; i < a->segments_n; i++)
		if (a->segments[i].partition == p->partition)
			to = a->segments[i].to;
	return to;
}

static int
export_part(struct export *x, const struct archive_part *p, struct err *e)
{
	struct replay_part part = { p->partition, p->from, p->to,
		covered(&x->a, p), -1, 0, 0 };
	struct replay_job job = x->r.job;
	struct replay_source *in = NULL;
	int result;

	if (part.next >= p->to)
		return 0;
	job.parts = &part;
	job.parts_n = 1;
	x->now = (struct archive_segment){ .to = part.next };
	result = replay_source_topic(&in, x->r.o->source_conf, &job, false,
		x->r.o->timeout_ms, e) || copy_part(x, in, &job, e) ? -1 : 0;
	if (in)
		in->close(in);
	return result;
}

/* ---- before and after ------------------------------------------------------------------ */

/* What is selected, as a digest: an export that goes on must be the same. */
static void
digest_spec(const struct replay_spec *spec, char out[ARCHIVE_DIGEST])
{
	struct replay_job only = { .spec = *spec };
	struct buf text = BUF_INIT;

	replay_job_write(&only, &text);
	digest_of(buf_slice(&text), out);
	buf_release(&text);
}

static void
take_configs(struct export *x)
{
	struct admin_configs k = { 0 };
	struct err ignored;

	if (admin_configs(x->r.source, ADMIN_TOPIC, x->a.topic, x->r.o->timeout_ms,
	    &k, &ignored))
		return;
	x->a.configs.items = xcalloc((size_t)k.n, sizeof(*x->a.configs.items));
	for (int i = 0; i < k.n; i++) {
		struct buf text = BUF_INIT;

		if (!k.items[i].is_override || !k.items[i].value)
			continue;
		buf_addf(&text, "%s=%s", k.items[i].name, k.items[i].value);
		x->a.configs.items[x->a.configs.n++] = xstrdup(buf_cstr(&text));
		buf_release(&text);
	}
	admin_configs_release(&k);
}

static int
new_archive(struct export *x, const char *dir, struct err *e)
{
	struct replayer *r = &x->r;
	struct archive *a = &x->a;
	struct admin_topics topics = { 0 };
	const struct admin_topic *t;

	if (replayer_plan_ranges(r, e))
		return -1;
	for (int i = 0; i < r->warnings_n; i++)
		diag_warn("%s", r->warnings[i]);
	if (admin_topics(r->source, r->o->timeout_ms, &topics, e))
		return -1;
	t = admin_topics_find(&topics, r->job.spec.topic);
	*a = (struct archive){ .dir = xstrdup(dir),
		.cluster = xstrdup(r->job.source_cluster),
		.topic = xstrdup(r->job.spec.topic),
		.partitions = t ? t->partitions_n : 0 };
	admin_topics_release(&topics);
	digest_spec(&r->job.spec, a->spec);
	take_configs(x);
	a->parts = xcalloc((size_t)r->job.parts_n, sizeof(*a->parts));
	for (; a->parts_n < r->job.parts_n; a->parts_n++)
		a->parts[a->parts_n] = (struct archive_part){
			r->job.parts[a->parts_n].partition,
			r->job.parts[a->parts_n].from, r->job.parts[a->parts_n].to };
	a->gaps = xcalloc((size_t)r->job.gaps_n, sizeof(*a->gaps));
	for (; a->gaps_n < r->job.gaps_n; a->gaps_n++)
		a->gaps[a->gaps_n] = r->job.gaps[a->gaps_n];
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_errno(e, ERR_IO, "cannot make '%s'", dir);
	return archive_save(a, e);
}

/* One that is there: of the same topic and selection, or it is not touched. */
static int
old_archive(struct export *x, struct err *e)
{
	const struct replayer *r = &x->r;
	char spec[ARCHIVE_DIGEST];

	digest_spec(&r->job.spec, spec);
	if (strcmp(x->a.topic, r->job.spec.topic) || strcmp(x->a.spec, spec) ||
	    strcmp(x->a.cluster, r->job.source_cluster))
		return err_set(e, ERR_EXISTS, "'%s' is another archive: of topic "
			"'%s', or of another selection (use another --out)",
			x->a.dir, x->a.topic);
	if (!x->a.complete)
		diag_note("going on with '%s': %d files are there", x->a.dir,
			x->a.segments_n);
	return 0;
}

static int
open_archive(struct export *x, const char *dir, struct err *e)
{
	if (!archive_load(&x->a, dir, e))
		return old_archive(x, e);
	if (e->code != ERR_NOT_FOUND)
		return -1;
	*e = (struct err)ERR_INIT;
	archive_release(&x->a);
	return new_archive(x, dir, e);
}

static void
report(const struct export *x, struct buf *out)
{
	const struct archive *a = &x->a;
	int64_t records = 0, bytes = 0, size = 0;

	for (int i = 0; i < a->segments_n; i++) {
		records += a->segments[i].records;
		bytes += a->segments[i].bytes;
		size += a->segments[i].size;
	}
	buf_addf(out, "{\"topic\":\"%s\",\"files\":%d,\"records\":%" PRId64
		",\"bytes\":%" PRId64 ",\"size\":%" PRId64 ",\"complete\":%s",
		a->topic, a->segments_n, records, bytes, size,
		a->complete ? "true" : "false");
	if (a->complete)
		buf_addf(out, ",\"digest\":\"%s\"", a->seal);
	buf_addstr(out, "}\n");
}

static int
write_all(struct export *x, struct err *e)
{
	int64_t lost = 0;

	for (int i = 0; i < x->a.parts_n && !sig_caught(); i++)
		if (export_part(x, &x->a.parts[i], e))
			return -1;
	if (sig_caught())
		return 0;
	if (!x->a.complete) {
		archive_seal(&x->a, x->a.seal);
		x->a.complete = true;
		if (archive_save(&x->a, e))
			return -1;
	}
	for (int i = 0; i < x->a.gaps_n; i++)
		lost += x->a.gaps[i].to - x->a.gaps[i].from;
	return lost ? err_set(e, ERR_PARTIAL, "done, but for %" PRId64 " offsets "
		"that were gone already", lost) : 0;
}

int
replay_archive_write(const struct replay_options *o, const char *dir,
	int64_t segment_size, struct buf *summary, struct err *e)
{
	struct export x = { .segment_size = segment_size };
	int result = -1;

	if (replayer_open(&x.r, o, e) || replayer_find(&x.r, e) ||
	    replayer_apply(&x.r, e) || open_archive(&x, dir, e))
		goto out;
	progress_init(&x.progress, "records", -1, clock_system());
	result = write_all(&x, e);
	progress_end(&x.progress);
	if (!result || e->code == ERR_PARTIAL)
		report(&x, summary);
out:
	packed_abandon(x.out);
	free(x.now.file);
	buf_release(&x.lines);
	/* texts of a new archive's configs are ours, of a loaded one its doc's */
	for (int i = 0; i < x.a.configs.n && !x.a.doc; i++)
		free((void *)(uintptr_t)x.a.configs.items[i]);
	archive_release(&x.a);
	replayer_close(&x.r);
	return result;
}
