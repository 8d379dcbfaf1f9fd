/* ledger_file.c - the ledger as lines of a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/num.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "cli/in.h"
#include "cli/json.h"
#include "kafka/ledger.h"
#include "model/envelope.h"

struct ledger_file {
	char *path;
	int fd;                 /* -1 = there is no file */
	char id[UUID_TEXT];     /* of the file: another's metadata says nothing */
	int64_t batch;          /* number of the one that is written */
	struct buf lines;       /* of it */
	char metadata[64];
};

/* The new file's name is on disk, too. */
static int
sync_folder(const char *path, struct err *e)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (fd < 0 || fsync(fd))
		result = err_errno(e, ERR_IO, "cannot sync the folder of '%s'", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return result;
}

static int
append(struct ledger_file *f, struct slice text, struct err *e)
{
	const char *p = text.data;
	size_t left = text.len;

	while (left) {
		ssize_t n = write(f->fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_IO, "cannot write the ledger '%s'",
				f->path);
		p += n;
		left -= (size_t)n;
	}
	if (fdatasync(f->fd))
		return err_errno(e, ERR_IO, "cannot sync the ledger '%s'", f->path);
	return 0;
}

/* {"kc-ledger":"ID"} is a file's first line. */
static int
begin_file(struct ledger_file *f, struct err *e)
{
	struct uuid id = uuid_random();
	struct buf line = BUF_INIT;
	int result;

	uuid_text(&id, f->id);
	buf_addf(&line, "{\"kc-ledger\":\"%s\"}\n", f->id);
	result = append(f, buf_slice(&line), e);
	buf_release(&line);
	return result ? -1 : sync_folder(f->path, e);
}

int
ledger_file_open(struct ledger_file **out, const char *path, bool write,
	struct err *e)
{
	struct ledger_file *f = xcalloc(1, sizeof(*f));
	int flags = write ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY;

	f->path = xstrdup(path);
	f->fd = open(path, flags | O_CLOEXEC, 0600);
	if (f->fd < 0 && (write || errno != ENOENT)) {
		err_errno(e, ERR_IO, "cannot open the ledger '%s'", path);
		goto fail;
	}
	if (write && flock(f->fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			err_set(e, ERR_REFUSED, "another run has locked the "
				"ledger '%s'", path);
		else
			err_errno(e, ERR_IO, "cannot lock the ledger '%s'", path);
		goto fail;
	}
	if (write && !lseek(f->fd, 0, SEEK_END) && begin_file(f, e))
		goto fail;
	*out = f;
	return 0;
fail:
	ledger_file_close(f);
	return -1;
}

void
ledger_file_close(struct ledger_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	buf_release(&f->lines);
	free(f->path);
	free(f);
}

/* ---- reading ---- */

/* The entries of the batch that is being read; given on when it counts. */
struct held {
	struct buf text;        /* keys and values, one behind the other */
	struct { size_t key, value; } *items; /* their lengths; value SIZE_MAX = null */
	size_t n, cap;
	int64_t batch;          /* 0 = none */
};

static void
hold(struct held *h, struct slice key, struct slice value)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->items = xreallocarray(h->items, h->cap, sizeof(*h->items));
	}
	h->items[h->n].key = key.len;
	h->items[h->n++].value = value.data ? value.len : SIZE_MAX;
	buf_addslice(&h->text, key);
	buf_addslice(&h->text, value);
}

static int
give(struct held *h, bool counts, const struct ledger_sink *sink, struct err *e)
{
	const char *p = buf_slice(&h->text).data;
	int result = 0;

	for (size_t i = 0; i < h->n && counts && !result; i++) {
		bool null = h->items[i].value == SIZE_MAX;
		size_t len = null ? 0 : h->items[i].value;
		struct slice key = { p, h->items[i].key };
		struct slice value = { null ? NULL : p + key.len, len };

		result = sink->take(sink->arg, key, value, e);
		p += key.len + len;
	}
	h->n = 0;
	h->batch = 0;
	buf_clear(&h->text);
	return result;
}

/* The raw text of a value: from its brace to the one in front of ,"batch". */
static struct slice
raw_value(struct slice line)
{
	const char *from = memmem(line.data, line.len, "\"value\":", 8);
	const char *end = (const char *)line.data + line.len;
	const char *to = memrchr(line.data, ',', line.len);

	if (!from || !to || to <= from + 8 || to > end)
		return SLICE_NULL;
	return slice_make(from + 8, (size_t)(to - from - 8));
}

static int
read_line(struct ledger_file *f, struct held *h, struct slice line,
	const struct ledger_sink *sink, struct err *e)
{
	struct json *j = json_parse(line, e);
	const char *key, *end, *id;
	int64_t batch = 0;
	int result = 0;

	if (!j)
		return -1;
	key = json_string(json_get(j, "key"));
	end = json_string(json_get(j, "end"));
	id = json_string(json_get(j, "kc-ledger"));
	json_int(json_get(j, "batch"), &batch);
	if (id && strlen(id) < sizeof(f->id)) {
		memcpy(f->id, id, strlen(id) + 1);
	} else if (batch < 1 || (!key && !end)) {
		result = err_set(e, ERR_CORRUPT, "neither an entry nor an end");
	} else if (key) {
		if (h->batch && h->batch != batch)
			result = give(h, false, sink, e);
		h->batch = batch;
		hold(h, slice_str(key), json_is_null(json_get(j, "value")) ?
			SLICE_NULL : raw_value(line));
	} else {
		result = give(h, !strcmp(end, "commit"), sink, e);
	}
	if (batch > f->batch)
		f->batch = batch;
	json_free(j);
	return result;
}

/* The batch before the crash: the group's offsets carry its number, or not. */
static int
settle(struct ledger_file *f, struct held *h, const char *metadata,
	const struct ledger_sink *sink, struct err *e)
{
	char want[sizeof(f->metadata)];
	bool counts;

	if (!h->batch)
		return 0;
	if (!metadata && h->batch > 1)
		return err_set(e, ERR_FAILED, "batch %" PRId64 " was cut off by a "
			"crash, and the group's offsets, which would tell whether "
			"it counts, are gone (look at the target, then append "
			"{\"end\":\"commit\",\"batch\":%" PRId64 "} or \"abort\")",
			h->batch, h->batch);
	snprintf(want, sizeof(want), "%s:%" PRId64, f->id, h->batch);
	counts = metadata && !strcmp(metadata, want);
	if (give(h, counts, sink, e))
		return -1;
	return (fcntl(f->fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? 0 :
		ledger_file_end(f, counts, e);
}

int
ledger_file_read(struct ledger_file *f, const char *metadata,
	const struct ledger_sink *sink, struct err *e)
{
	struct in in = { 0 };
	struct held h = { 0 };
	struct slice line;
	enum in_status s;
	int result = 0;
	int64_t good = 0;

	if (f->fd < 0)
		return 0;
	if (in_open(&in, f->path, e))
		return -1;
	while (!result && (s = in_next(&in, -1, &line, e)) == IN_LINE) {
		result = read_line(f, &h, line, sink, e);
		if (!result)
			good += (int64_t)line.len + 1;
	}
	/* A last line that a crash cut off was never relied on. */
	if (result && e->code == ERR_FORMAT &&
	    in_next(&in, -1, &line, &(struct err)ERR_INIT) == IN_EOF) {
		*e = (struct err)ERR_INIT;
		result = 0;
		if ((fcntl(f->fd, F_GETFL) & O_ACCMODE) != O_RDONLY &&
		    ftruncate(f->fd, good))
			result = err_errno(e, ERR_IO, "cannot mend");
	} else if (result) {
		err_wrap(e, "line %" PRId64, in.line);
	} else if (s != IN_EOF) {
		result = -1;
	}
	if (!result)
		result = settle(f, &h, metadata, sink, e);
	in_close(&in);
	buf_release(&h.text);
	free(h.items);
	return result && e->code ? err_wrap(e, "ledger '%s'", f->path) : result;
}

/* ---- writing ---- */

void
ledger_file_add(struct ledger_file *f, struct slice key, struct slice value)
{
	buf_addstr(&f->lines, "{\"key\":");
	envelope_put_string(&f->lines, key);
	buf_addstr(&f->lines, ",\"value\":");
	if (slice_is_null(value))
		buf_addstr(&f->lines, "null");
	else
		buf_addslice(&f->lines, value);
	buf_addf(&f->lines, ",\"batch\":%" PRId64 "}\n", f->batch + 1);
}

const char *
ledger_file_prepare(struct ledger_file *f, struct err *e)
{
	int result = append(f, buf_slice(&f->lines), e);

	f->batch++;
	buf_clear(&f->lines);
	snprintf(f->metadata, sizeof(f->metadata), "%s:%" PRId64, f->id, f->batch);
	return result ? NULL : f->metadata;
}

int
ledger_file_end(struct ledger_file *f, bool committed, struct err *e)
{
	struct buf line = BUF_INIT;
	int result;

	buf_addf(&line, "{\"end\":\"%s\",\"batch\":%" PRId64 "}\n",
		committed ? "commit" : "abort", f->batch);
	result = append(f, buf_slice(&line), e);
	buf_release(&line);
	return result;
}
