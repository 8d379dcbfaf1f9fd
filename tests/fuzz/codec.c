/*
 * Any bytes as packed records, of the codec that the first byte names: never
 * more out than was allowed, and what is packed comes out as it went in.
 */
#include "store/codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
there_and_back(enum codec c, struct slice in)
{
	struct buf packed = BUF_INIT, again = BUF_INIT;
	struct err e = ERR_INIT;

	if (codec_pack(c, in, &packed, &e) < 0 ||
	    codec_unpack(c, buf_slice(&packed), in.len, &again, &e) < 0 ||
	    !slice_eq(buf_slice(&again), slice_make(in.len ? in.data : "", in.len)))
		abort();
	buf_release(&packed);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct slice in;
	enum codec c;
	int result;

	if (!len)
		return 0;
	c = (enum codec)(data[0] % 6);
	in = slice_make(data + 1, len - 1);
	buf_addstr(&out, "front");
	result = codec_unpack(c, in, MOST, &out, &e);
	if (out.len < 5 || memcmp(out.data, "front", 5) ||
	    (!result && out.len - 5 > MOST) ||
	    (result && e.code != ERR_FULL && e.code != ERR_CORRUPT))
		abort();
	buf_release(&out);
	if (c >= CODEC_GZIP && c <= CODEC_ZSTD)
		there_and_back(c, in);
	return 0;
}
