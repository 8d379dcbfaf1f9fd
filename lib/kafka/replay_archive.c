/* replay_archive.c - the manifest: read, written, checked. */
#include "kafka/replay_archive.h"

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/digest.h"
#include "cli/file.h"
#include "cli/json.h"

char *
archive_path(const struct archive *a, const char *file)
{
	struct buf b = BUF_INIT;
	char *path;

	buf_addf(&b, "%s/%s", a->dir, file);
	path = xstrdup(buf_cstr(&b));
	buf_release(&b);
	return path;
}

void
archive_release(struct archive *a)
{
	for (int i = 0; i < a->segments_n; i++)
		free(a->segments[i].file);
	free(a->dir);
	free(a->cluster);
	free(a->topic);
	free(a->configs.items);
	free(a->parts);
	free(a->segments);
	free(a->gaps);
	json_free(a->doc);
	*a = (struct archive){ 0 };
}

void
archive_add(struct archive *a, const struct archive_segment *s)
{
	a->segments = xreallocarray(a->segments, (size_t)a->segments_n + 1,
		sizeof(*a->segments));
	a->segments[a->segments_n++] = *s;
}

/* ---- digests ---------------------------------------------------------------------- */

static void
next_link(const char *previous, const struct archive_segment *s,
	char out[ARCHIVE_DIGEST])
{
	struct buf text = BUF_INIT;

	archive_segment_text(&text, previous, s);
	digest_of(buf_slice(&text), out);
	buf_release(&text);
}

void
archive_link(const struct archive *a, int segments_n, char out[ARCHIVE_DIGEST])
{
	struct buf text = BUF_INIT;

	archive_head_text(&text, a->cluster, a->topic);
	digest_of(buf_slice(&text), out);
	buf_release(&text);
	for (int i = 0; i < segments_n; i++)
		next_link(out, &a->segments[i], out);
}

void
archive_seal(const struct archive *a, char out[ARCHIVE_DIGEST])
{
	struct buf text = BUF_INIT;

	archive_link(a, a->segments_n, out);
	archive_tail_text(&text, out, a->parts, a->parts_n);
	digest_of(buf_slice(&text), out);
	buf_release(&text);
}

static int
check_file(const struct archive *a, const struct archive_segment *s, struct err *e)
{
	char found[DIGEST_TEXT], *path = archive_path(a, s->file);
	long long size;
	int result = digest_file(path, found, &size, e);

	if (!result && (size != s->size || strcmp(found, s->sha256)))
		result = err_set(e, ERR_CORRUPT, "'%s' is not the file that was "
			"written (%s)", path, size != s->size ? size < s->size ?
			"it is cut off" : "it has grown" : "its digest differs");
	free(path);
	return result;
}

int
archive_check(const struct archive *a, const char *digest, struct err *e)
{
	char link[ARCHIVE_DIGEST], seal[ARCHIVE_DIGEST];
	const char *why;

	if (!a->complete)
		return err_set(e, ERR_FAILED, "archive '%s' is not complete (the same "
			"kc-replay export goes on with it)", a->dir);
	archive_link(a, 0, link);
	for (int i = 0; i < a->segments_n; i++) {
		next_link(link, &a->segments[i], link);
		if (strcmp(link, a->segments[i].chain))
			return err_set(e, ERR_CORRUPT, "archive '%s': the manifest was "
				"changed: its chain breaks at '%s'", a->dir,
				a->segments[i].file);
	}
	archive_seal(a, seal);
	why = archive_holes(a->segments, a->segments_n, a->parts, a->parts_n);
	if (why || strcmp(seal, a->seal))
		return err_set(e, ERR_CORRUPT, "archive '%s': the manifest was "
			"changed: %s", a->dir, why ? why : "its seal is not right");
	if (digest && strcmp(digest, seal))
		return err_set(e, ERR_CORRUPT, "archive '%s' is another one: its "
			"digest is %s", a->dir, seal);
	for (int i = 0; i < a->segments_n; i++)
		if (check_file(a, &a->segments[i], e))
			return -1;
	return 0;
}

/* ---- the manifest ------------------------------------------------------------------- */

static struct json *
write_segment(const struct archive_segment *s)
{
	struct json *j = json_object();

	json_add_str(j, "file", s->file);
	json_add_int(j, "partition", s->partition);
	json_add_int(j, "from", s->from);
	json_add_int(j, "to", s->to);
	json_add_int(j, "records", s->records);
	json_add_int(j, "bytes", s->bytes);
	json_add_int(j, "size", s->size);
	json_add_str(j, "sha256", s->sha256);
	json_add_str(j, "chain", s->chain);
	return j;
}

static struct json *
write_span(int32_t partition, int64_t from, int64_t to)
{
	struct json *j = json_object();

	json_add_int(j, "partition", partition);
	json_add_int(j, "from", from);
	json_add_int(j, "to", to);
	return j;
}

int
archive_save(struct archive *a, struct err *e)
{
	struct json *doc = json_object(), *parts = json_array();
	struct json *segments = json_array(), *configs = json_array();
	struct json *gaps = json_array();
	char *path = archive_path(a, "manifest.json");
	struct buf text = BUF_INIT;
	int result;

	json_add_str(doc, "format", ARCHIVE_FORMAT);
	json_add_str(doc, "cluster", a->cluster);
	json_add_str(doc, "topic", a->topic);
	json_add_int(doc, "topic_partitions", a->partitions);
	for (int i = 0; i < a->configs.n; i++)
		json_add_str(configs, NULL, a->configs.items[i]);
	json_add(doc, "configs", configs);
	for (int i = 0; i < a->parts_n; i++)
		json_add(parts, NULL, write_span(a->parts[i].partition,
			a->parts[i].from, a->parts[i].to));
	json_add(doc, "partitions", parts);
	for (int i = 0; i < a->gaps_n; i++)
		json_add(gaps, NULL, write_span(a->gaps[i].partition,
			a->gaps[i].from, a->gaps[i].to));
	json_add(doc, "gaps", gaps);
	for (int i = 0; i < a->segments_n; i++)
		json_add(segments, NULL, write_segment(&a->segments[i]));
	json_add(doc, "segments", segments);
	json_add_str(doc, "selection", a->spec);
	json_add_bool(doc, "complete", a->complete);
	if (a->complete)
		json_add_str(doc, "digest", a->seal);
	json_print(&text, doc);
	result = file_replace(path, buf_slice(&text), e);
	buf_release(&text);
	json_free(doc);
	free(path);
	return result;
}

/* A file's whole text; files of a manifest are small. */
static int
read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		n = read(fd, buf_reserve(out, 65536), 65536);
		if (n > 0)
			out->len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			"cannot read '%s'", path);
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static bool
get_text(const struct json *j, const char *name, char *out, size_t size)
{
	const char *s = json_string(json_get(j, name));

	if (!s || strlen(s) >= size)
		return false;
	memcpy(out, s, strlen(s) + 1);
	return true;
}

static bool
get_span(const struct json *j, int32_t *partition, int64_t *from, int64_t *to)
{
	int64_t n;

	if (!json_int(json_get(j, "partition"), &n) || n < 0 || n > INT32_MAX ||
	    !json_int(json_get(j, "from"), from) ||
	    !json_int(json_get(j, "to"), to) || *from < 0 || *to < *from)
		return false;
	*partition = (int32_t)n;
	return true;
}

/* A name from a manifest must not lead out of its folder. */
static bool
get_segment(const struct json *j, struct archive_segment *s)
{
	const char *file = json_string(json_get(j, "file"));

	*s = (struct archive_segment){ 0 };
	if (!file || strchr(file, '/') || *file == '.' ||
	    !get_span(j, &s->partition, &s->from, &s->to) ||
	    !json_int(json_get(j, "records"), &s->records) ||
	    !json_int(json_get(j, "bytes"), &s->bytes) ||
	    !json_int(json_get(j, "size"), &s->size) ||
	    !get_text(j, "sha256", s->sha256, sizeof(s->sha256)) ||
	    !get_text(j, "chain", s->chain, sizeof(s->chain)))
		return false;
	s->file = xstrdup(file);
	return true;
}

static bool
read_lists(struct archive *a)
{
	const struct json *i;

	for (i = json_first(json_get(a->doc, "partitions")); i; i = json_next(i)) {
		struct archive_part *p;

		a->parts = xreallocarray(a->parts, (size_t)a->parts_n + 1,
			sizeof(*a->parts));
		p = &a->parts[a->parts_n];
		if (!get_span(i, &p->partition, &p->from, &p->to) ||
		    (a->parts_n && p[-1].partition >= p->partition))
			return false;
		a->parts_n++;
	}
	for (i = json_first(json_get(a->doc, "gaps")); i; i = json_next(i)) {
		struct replay_gap *g;

		a->gaps = xreallocarray(a->gaps, (size_t)a->gaps_n + 1,
			sizeof(*a->gaps));
		g = &a->gaps[a->gaps_n];
		if (!get_span(i, &g->partition, &g->from, &g->to))
			return false;
		a->gaps_n++;
	}
	for (i = json_first(json_get(a->doc, "segments")); i; i = json_next(i)) {
		struct archive_segment s;

		if (!get_segment(i, &s))
			return false;
		archive_add(a, &s);
	}
	return true;
}

static void
read_configs(struct archive *a)
{
	const struct json *list = json_get(a->doc, "configs"), *i;
	int n = 0;

	for (i = json_first(list); i; i = json_next(i))
		n++;
	a->configs.items = xcalloc((size_t)n, sizeof(*a->configs.items));
	for (i = json_first(list); i; i = json_next(i))
		if (json_string(i))
			a->configs.items[a->configs.n++] = json_string(i);
}

int
archive_load(struct archive *a, const char *dir, struct err *e)
{
	const char *format, *cluster, *topic;
	struct buf text = BUF_INIT;
	char *path;
	int result;

	*a = (struct archive){ .dir = xstrdup(dir) };
	path = archive_path(a, "manifest.json");
	result = read_file(path, &text, e);
	if (!result && !(a->doc = json_parse(buf_slice(&text), e))) {
		e->code = ERR_CORRUPT;
		result = err_wrap(e, "'%s'", path);
	}
	buf_release(&text);
	if (result)
		goto out;
	format = json_string(json_get(a->doc, "format"));
	cluster = json_string(json_get(a->doc, "cluster"));
	topic = json_string(json_get(a->doc, "topic"));
	if (!format || strcmp(format, ARCHIVE_FORMAT) || !cluster || !topic ||
	    !json_int(json_get(a->doc, "topic_partitions"), &a->partitions) ||
	    !json_bool(json_get(a->doc, "complete"), &a->complete) ||
	    !get_text(a->doc, "selection", a->spec, sizeof(a->spec)) ||
	    (a->complete && !get_text(a->doc, "digest", a->seal, sizeof(a->seal))) ||
	    !read_lists(a)) {
		result = err_set(e, ERR_CORRUPT, "'%s' is not the manifest of an "
			"archive (of the form " ARCHIVE_FORMAT ")", path);
		goto out;
	}
	a->cluster = xstrdup(cluster);
	a->topic = xstrdup(topic);
	read_configs(a);
out:
	free(path);
	return result;
}
