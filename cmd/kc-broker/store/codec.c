#include "store/codec.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "base/be.h"

enum {
	STEP = 64 << 10, /* room made at a time where the size is not known */
	LZ4_DEFAULT = 9,
};

static int
damaged(struct err *e, const char *codec)
{
	return err_set(e, ERR_CORRUPT, "the %s data is damaged", codec);
}

static int
too_large(struct err *e, size_t max)
{
	return err_set(e, ERR_FULL, "the records unpack to more than %zu bytes", max);
}

/*
 * Room for the next piece of unknown length, growing with what is there but
 * never beyond the limit and one byte: that byte shows that there is more.
 */
static size_t
make_room(struct buf *out, size_t start, size_t max)
{
	size_t have = out->len - start, left = max - have + 1;
	size_t n = have > STEP ? have : STEP;

	if (n > left)
		n = left;
	buf_reserve(out, n);
	return n;
}

/* ---- gzip --------------------------------------------------------------- */

static int
gzip_unpack(struct slice in, size_t max, struct buf *out, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.data,
		.avail_in = (uInt)in.len };
	size_t start = out->len;
	int r;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(e, ERR_FAILED, "cannot start gzip");
	do {
		size_t room = make_room(out, start, max);

		z.next_out = out->data + out->len;
		z.avail_out = (uInt)room;
		r = inflate(&z, Z_NO_FLUSH);
		out->len += room - z.avail_out;
		if (r == Z_STREAM_END && z.avail_in)
			r = inflateReset(&z);
	} while (r == Z_OK && out->len - start <= max &&
		(z.avail_in || !z.avail_out));
	inflateEnd(&z);
	if (out->len - start > max)
		return too_large(e, max);
	return r == Z_STREAM_END ? 0 : damaged(e, "gzip");
}

static int
gzip_pack(int level, struct slice in, struct buf *out, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.data,
		.avail_in = (uInt)in.len };
	size_t room;
	int r;

	if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8,
			Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, ERR_FAILED, "cannot start gzip");
	room = deflateBound(&z, (uLong)in.len);
	z.next_out = buf_reserve(out, room);
	z.avail_out = (uInt)room;
	r = deflate(&z, Z_FINISH);
	out->len += room - z.avail_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : err_set(e, ERR_FAILED, "gzip failed");
}

/* ---- snappy ------------------------------------------------------------- */

/* Magic, then version and lowest compatible version, both 1; then blocks of
 * be32 length and raw snappy. */
static const uint8_t xerial[16] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
	0, 0, 0, 1, 0, 0, 0, 1 };
enum { XERIAL_MAGIC = 8, XERIAL_BLOCK = 32 << 10 };

static int
snappy_block(const uint8_t *p, size_t n, size_t start, size_t max,
	struct buf *out, struct err *e)
{
	size_t len;

	if (snappy_uncompressed_length((const char *)p, n, &len) != SNAPPY_OK)
		return damaged(e, "snappy");
	if (len > max - (out->len - start))
		return too_large(e, max);
	/* Snappy packs at most 64 bytes into 3: a larger claim is a lie. */
	if (len / 32 > n)
		return damaged(e, "snappy");
	if (snappy_uncompress((const char *)p, n,
			(char *)buf_reserve(out, len + 1), &len) != SNAPPY_OK)
		return damaged(e, "snappy");
	out->len += len;
	return 0;
}

static int
snappy_unpack(struct slice in, size_t max, struct buf *out, struct err *e)
{
	const uint8_t *p = in.data, *end = p + in.len;
	size_t start = out->len;

	if (in.len < sizeof(xerial) || memcmp(p, xerial, XERIAL_MAGIC))
		return snappy_block(p, in.len, start, max, out, e);
	for (p += sizeof(xerial); p < end; ) {
		size_t n;

		if (end - p < 4)
			return damaged(e, "snappy");
		n = be32_get(p);
		p += 4;
		if (n > (size_t)(end - p))
			return damaged(e, "snappy");
		if (snappy_block(p, n, start, max, out, e) < 0)
			return -1;
		p += n;
	}
	return 0;
}

static int
snappy_pack(int level, struct slice in, struct buf *out, struct err *e)
{
	const char *p = in.data;
	size_t left = in.len;

	(void)level; /* it has none */
	buf_add(out, xerial, sizeof(xerial));
	while (left) {
		size_t n = left < XERIAL_BLOCK ? left : XERIAL_BLOCK;
		size_t len = snappy_max_compressed_length(n);
		uint8_t *to = buf_reserve(out, 4 + len);

		if (snappy_compress(p, n, (char *)to + 4, &len) != SNAPPY_OK)
			return err_set(e, ERR_FAILED, "snappy failed");
		be32_put(to, (uint32_t)len);
		out->len += 4 + len;
		p += n;
		left -= n;
	}
	return 0;
}

/* ---- lz4 ---------------------------------------------------------------- */

static int
lz4_unpack(struct slice in, size_t max, struct buf *out, struct err *e)
{
	const uint8_t *p = in.data, *end = p + in.len;
	size_t start = out->len, left = 1;
	LZ4F_dctx *d;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)))
		return err_set(e, ERR_FAILED, "cannot start lz4");
	for (;;) {
		size_t room = make_room(out, start, max), used = (size_t)(end - p);

		left = LZ4F_decompress(d, out->data + out->len, &room, p, &used,
			NULL);
		if (LZ4F_isError(left))
			break;
		p += used;
		out->len += room;
		/* Over the limit, or nothing more to be had, or another frame. */
		if (out->len - start > max || (!used && !room) ||
		    (!left && p == end))
			break;
	}
	LZ4F_freeDecompressionContext(d);
	if (out->len - start > max)
		return too_large(e, max);
	return left || p != end ? damaged(e, "lz4") : 0;
}

static int
lz4_pack(int level, struct slice in, struct buf *out, struct err *e)
{
	/* Kafka's 9 is the fast compressor, as it was before there were levels. */
	LZ4F_preferences_t how = { .compressionLevel = level == LZ4_DEFAULT ? 0 : level };
	size_t room = LZ4F_compressFrameBound(in.len, &how);
	size_t n = LZ4F_compressFrame(buf_reserve(out, room), room, in.data,
		in.len, &how);

	if (LZ4F_isError(n))
		return err_set(e, ERR_FAILED, "lz4 failed");
	out->len += n;
	return 0;
}

/* ---- zstd --------------------------------------------------------------- */

static int
zstd_unpack(struct slice in, size_t max, struct buf *out, struct err *e)
{
	ZSTD_inBuffer from = { in.data, in.len, 0 };
	ZSTD_DCtx *d = ZSTD_createDCtx();
	size_t start = out->len, left = 1;

	if (!d)
		return err_set(e, ERR_FAILED, "cannot start zstd");
	for (;;) {
		size_t room = make_room(out, start, max), before = from.pos;
		ZSTD_outBuffer to = { out->data + out->len, room, 0 };

		left = ZSTD_decompressStream(d, &to, &from);
		if (ZSTD_isError(left))
			break;
		out->len += to.pos;
		if (out->len - start > max || (!to.pos && from.pos == before) ||
		    (!left && from.pos == from.size))
			break;
	}
	ZSTD_freeDCtx(d);
	if (out->len - start > max)
		return too_large(e, max);
	return left || from.pos != from.size ? damaged(e, "zstd") : 0;
}

static int
zstd_pack(int level, struct slice in, struct buf *out, struct err *e)
{
	size_t room = ZSTD_compressBound(in.len);
	size_t n = ZSTD_compress(buf_reserve(out, room), room, in.data, in.len, level);

	if (ZSTD_isError(n))
		return err_set(e, ERR_FAILED, "zstd failed");
	out->len += n;
	return 0;
}

/* ---- the table ---------------------------------------------------------- */

static const struct {
	int (*unpack)(struct slice in, size_t max, struct buf *out, struct err *e);
	int (*pack)(int level, struct slice in, struct buf *out, struct err *e);
	int level; /* the default */
} codecs[] = {
	[CODEC_GZIP] = { gzip_unpack, gzip_pack, -1 },
	[CODEC_SNAPPY] = { snappy_unpack, snappy_pack, 0 },
	[CODEC_LZ4] = { lz4_unpack, lz4_pack, LZ4_DEFAULT },
	[CODEC_ZSTD] = { zstd_unpack, zstd_pack, 3 },
};

int
codec_unpack(enum codec c, struct slice in, size_t max, struct buf *out,
	struct err *e)
{
	if (c < CODEC_GZIP || c > CODEC_ZSTD)
		return err_set(e, ERR_CORRUPT, "there is no codec %d", (int)c);
	return codecs[c].unpack(in, max, out, e);
}

int
codec_pack_at(enum codec c, int level, struct slice in, struct buf *out, struct err *e)
{
	if (c < CODEC_GZIP || c > CODEC_ZSTD)
		return err_set(e, ERR_UNSUPPORTED, "there is no codec %d", (int)c);
	return codecs[c].pack(level ? level : codecs[c].level, in, out, e);
}

int
codec_pack(enum codec c, struct slice in, struct buf *out, struct err *e)
{
	return codec_pack_at(c, 0, in, out, e);
}
