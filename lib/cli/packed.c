#include "cli/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/xalloc.h"

enum {
	LEVEL = 3,
	LINE_MAX_BYTES = 256 << 20, /* beyond every broker's limit */
};

/* "PATH.part"; returns owned */
static char *
part_of(const char *path)
{
	struct buf b = BUF_INIT;
	char *name;

	buf_addf(&b, "%s.part", path);
	name = xstrdup(buf_cstr(&b));
	buf_release(&b);
	return name;
}

/* ---- writing --------------------------------------------------------------------- */

struct packed_writer {
	ZSTD_CCtx *z;
	int fd;
	char *path, *part;
	uint8_t *block;
	size_t block_size;
};

static void
free_writer(struct packed_writer *w)
{
	ZSTD_freeCCtx(w->z);
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w->part);
	free(w->block);
	free(w);
}

int
packed_create(struct packed_writer **out, const char *path, struct err *e)
{
	struct packed_writer *w = xcalloc(1, sizeof(*w));

	w->path = xstrdup(path);
	w->part = part_of(path);
	w->fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (w->fd < 0) {
		err_errno(e, ERR_IO, "cannot write '%s'", w->part);
		free_writer(w);
		return -1;
	}
	w->z = ZSTD_createCCtx();
	if (!w->z)
		abort(); /* no memory */
	ZSTD_CCtx_setParameter(w->z, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(w->z, ZSTD_c_checksumFlag, 1);
	w->block_size = ZSTD_CStreamOutSize();
	w->block = xmalloc(w->block_size);
	*out = w;
	return 0;
}

static int
put(struct packed_writer *w, size_t n, struct err *e)
{
	size_t at = 0;

	while (at < n) {
		ssize_t done = write(w->fd, w->block + at, n - at);

		if (done < 0 && errno != EINTR)
			return err_errno(e, ERR_IO, "cannot write '%s'", w->part);
		at += done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int
compress(struct packed_writer *w, struct slice bytes, ZSTD_EndDirective how,
	struct err *e)
{
	ZSTD_inBuffer in = { bytes.data, bytes.len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer to = { w->block, w->block_size, 0 };

		left = ZSTD_compressStream2(w->z, &to, &in, how);
		if (ZSTD_isError(left))
			return err_set(e, ERR_FAILED, "cannot compress '%s': %s",
				w->path, ZSTD_getErrorName(left));
		if (put(w, to.pos, e))
			return -1;
	} while (how == ZSTD_e_end ? left != 0 : in.pos < in.size);
	return 0;
}

int
packed_write(struct packed_writer *w, struct slice bytes, struct err *e)
{
	return compress(w, bytes, ZSTD_e_continue, e);
}

/* The name too must survive a power failure. */
static int
sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? xmemdup0(path, slash > path ? (size_t)(slash - path) : 1) :
		xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;

	if (fd < 0 || fsync(fd))
		result = err_errno(e, ERR_IO, "cannot sync '%s'", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return result;
}

int
packed_finish(struct packed_writer *w, struct err *e)
{
	int fd = w->fd, result = compress(w, slice_str(""), ZSTD_e_end, e);

	if (!result && fsync(fd))
		result = err_errno(e, ERR_IO, "cannot write '%s'", w->part);
	w->fd = -1;
	if (close(fd) && !result)
		result = err_errno(e, ERR_IO, "cannot write '%s'", w->part);
	if (!result && rename(w->part, w->path))
		result = err_errno(e, ERR_IO, "cannot rename '%s'", w->part);
	if (!result)
		result = sync_folder(w->path, e);
	if (result)
		unlink(w->part);
	free_writer(w);
	return result;
}

void
packed_abandon(struct packed_writer *w)
{
	if (!w)
		return;
	unlink(w->part);
	free_writer(w);
}

/* ---- reading --------------------------------------------------------------------- */

struct packed_reader {
	ZSTD_DCtx *z;
	int fd;
	char *path;
	uint8_t *block;
	size_t block_size;
	ZSTD_inBuffer in;
	struct buf text;
	size_t at;         /* where the next line begins in text */
	size_t scanned;    /* no LF before this */
	size_t hint;       /* 0 = a frame is complete */
	bool eof;
};

int
packed_open(struct packed_reader **out, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct packed_reader *r;

	if (fd < 0)
		return err_errno(e, ERR_IO, "cannot read '%s'", path);
	r = xcalloc(1, sizeof(*r));
	r->fd = fd;
	r->path = xstrdup(path);
	r->z = ZSTD_createDCtx();
	if (!r->z)
		abort(); /* no memory */
	r->block_size = ZSTD_DStreamInSize();
	r->block = xmalloc(r->block_size);
	r->in.src = r->block;
	*out = r;
	return 0;
}

void
packed_close(struct packed_reader *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->z);
	close(r->fd);
	buf_release(&r->text);
	free(r->path);
	free(r->block);
	free(r);
}

static int
fetch(struct packed_reader *r, struct err *e)
{
	ssize_t n;

	do
		n = read(r->fd, r->block, r->block_size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, ERR_IO, "cannot read '%s'", r->path);
	r->in = (ZSTD_inBuffer){ r->block, (size_t)n, 0 };
	r->eof = !n;
	return 0;
}

/* More text; r->eof when there is none. */
static int
more(struct packed_reader *r, struct err *e)
{
	size_t room = ZSTD_DStreamOutSize();
	ZSTD_outBuffer to;

	if (r->in.pos == r->in.size && fetch(r, e))
		return -1;
	if (r->eof)
		return r->hint ? err_set(e, ERR_CORRUPT, "'%s' ends in the middle",
			r->path) : 0;
	buf_consume(&r->text, r->at);
	r->scanned -= r->at;
	r->at = 0;
	if (r->text.len > LINE_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "'%s' has a line without end", r->path);
	to = (ZSTD_outBuffer){ buf_reserve(&r->text, room), room, 0 };
	r->hint = ZSTD_decompressStream(r->z, &to, &r->in);
	if (ZSTD_isError(r->hint))
		return err_set(e, ERR_CORRUPT, "'%s' is damaged: %s", r->path,
			ZSTD_getErrorName(r->hint));
	r->text.len += to.pos;
	return 0;
}

int
packed_next(struct packed_reader *r, struct slice *line, struct err *e)
{
	for (;;) {
		const uint8_t *p = r->text.data ? r->text.data + r->scanned : NULL;
		const uint8_t *lf = p ? memchr(p, '\n', r->text.len - r->scanned) : NULL;

		if (lf) {
			*line = slice_make(r->text.data + r->at,
				(size_t)(lf - r->text.data) - r->at);
			r->at = r->scanned = (size_t)(lf - r->text.data) + 1;
			return 1;
		}
		r->scanned = r->text.len;
		if (more(r, e))
			return -1;
		if (!r->eof)
			continue;
		return r->at < r->text.len ? err_set(e, ERR_CORRUPT,
			"'%s' ends in the middle of a line", r->path) : 0;
	}
}
