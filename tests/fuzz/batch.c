/*
 * Any bytes as a produced batch, as they are and with a fitting length and
 * checksum: never a bad access, and what is accepted can be read to its end.
 */
#include "store/batch.h"

#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "store/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
offer(uint8_t *p, size_t len, int codec)
{
	static const int64_t now = 1800000000000;
	struct log_config config = {
		.segment_bytes = 1 << 20, .max_message_bytes = 1 << 20,
		.timestamp_before_max_ms = INT64_MAX,
		.timestamp_after_max_ms = INT64_MAX, .compression = codec,
	};
	struct buf unpacked = BUF_INIT, repacked = BUF_INIT, tmp = BUF_INIT;
	struct buf bad = BUF_INIT;
	struct candidate c = { .bytes = p, .unpacked = &unpacked,
		.repacked = &repacked, .bad = &bad };
	struct append_result r = { 0 };
	struct err e = ERR_INIT;
	struct batch_record rec;
	struct slice left;
	int32_t n = 0;

	if (!candidate_check(&c, len, &config, now, &r)) {
		if (!batch_crc_ok(c.bytes, &c.b) || batch_open(c.bytes, &c.b,
				BATCH_UNPACKED_MAX, &tmp, &left, &e) < 0)
			abort();
		while (batch_next(&c.b, &left, &rec) == 1)
			n++;
		if (n != c.b.count)
			abort();
	} else if (!r.message) {
		abort();
	}
	buf_release(&unpacked);
	buf_release(&repacked);
	buf_release(&bad);
	buf_release(&tmp);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *p = xmemdup(data, len);

	offer(p, len, -1);
	if (len >= BATCH_HEADER) {
		memcpy(p, data, len);
		p[16] = 2;
		batch_seal(p, len);
		offer(p, len, -1);
		memcpy(p, data, len);
		memset(p, 0, 8);
		p[16] = 2;
		p[21] = 0;
		p[22] &= BATCH_CODEC_MASK;
		/* A count that fits the last offset, as often as not. */
		be32_put(p + 57, be32_get(p + 23) + 1);
		batch_seal(p, len);
		offer(p, len, data[0] % 6 - 1);
	}
	free(p);
	return 0;
}
