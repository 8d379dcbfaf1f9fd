/* Record batches: real clients' bytes, damaged bytes, and what producers may send. */
#include "fixture.h"
#include "store/codec.h"
#include "store/validate.h"

/*
 * Four records as kafka-python 2.x packs them: producer 4711, epoch 3,
 * sequence 9, timestamps from 1800000000000.
 */
static const struct {
	int codec;
	const char *hex;
} golden[] = {
	{ CODEC_NONE,
		"0000000000000000000001fe0000000002075492fd000000000003000001a318"
		"5c5000000001a3185c5005000000000000126700030000000900000004b20600"
		"0000046b31a00676616c7565206f6e652076616c7565206f6e652076616c7565"
		"206f6e652076616c7565206f6e652076616c7565206f6e652076616c7565206f"
		"6e652076616c7565206f6e652076616c7565206f6e652076616c7565206f6e65"
		"2076616c7565206f6e652076616c7565206f6e652076616c7565206f6e652076"
		"616c7565206f6e652076616c7565206f6e652076616c7565206f6e652076616c"
		"7565206f6e652076616c7565206f6e652076616c7565206f6e652076616c7565"
		"206f6e652076616c7565206f6e652076616c7565206f6e652076616c7565206f"
		"6e652076616c7565206f6e652076616c7565206f6e652076616c7565206f6e65"
		"2076616c7565206f6e652076616c7565206f6e652076616c7565206f6e652076"
		"616c7565206f6e652076616c7565206f6e652076616c7565206f6e652076616c"
		"7565206f6e652076616c7565206f6e652076616c7565206f6e652076616c7565"
		"206f6e652076616c7565206f6e652076616c7565206f6e652076616c7565206f"
		"6e652076616c7565206f6e652076616c7565206f6e6520001a000a0201000402"
		"6802780268010c000604000100380008060400ff14636166c3a920f09f988002"
		"0a747261636506616263" },
	{ CODEC_GZIP,
		"00000000000000000000009000000000027b74fcc6000100000003000001a318"
		"5c5000000001a3185c50050000000000001267000300000009000000041f8b08"
		"00c445046b02ffdbc4c6c0c0c0926db880ad2c31a73455213f2f556194351858"
		"0c520c5c4c8c0c2c4c194c154c198c3c0c6c2c0c8c0c160c1c40fabf487262da"
		"e1950a1fe6cf6860e22a294a4c4e654b4c4a06009dfb2e40cd010000" },
	{ CODEC_SNAPPY,
		"0000000000000000000000a40000000002b2f96011000200000003000001a318"
		"5c5000000001a3185c500500000000000012670003000000090000000482534e"
		"415050590000000001000000010000005fcd034cb206000000046b31a0067661"
		"6c7565206f6e6520fe0a00fe0a00fe0a00fe0a00fe0a00fe0a00090ac8001a00"
		"0a02010004026802780268010c000604000100380008060400ff14636166c3a9"
		"20f09f9880020a747261636506616263" },
	{ CODEC_LZ4,
		"0000000000000000000000970000000002bccb4c74000300000003000001a318"
		"5c5000000001a3185c500500000000000012670003000000090000000404224d"
		"186840cd01000000000000834f000000ff05b206000000046b31a00676616c75"
		"65206f6e65200a00ff74f024001a000a02010004026802780268010c00060400"
		"0100380008060400ff14636166c3a920f09f9880020a74726163650661626300"
		"000000" },
	{ CODEC_ZSTD,
		"00000000000000000000008a000000000235e8f3c7000400000003000001a318"
		"5c5000000001a3185c500500000000000012670003000000090000000428b52f"
		"fd60cd007d02007404b206000000046b31a00676616c7565206f6e6520001a00"
		"0a02010004026802780268010c000604000100380008060400ff14636166c3a9"
		"20f09f9880020a747261636506616263010006ab1626" },
};

static struct buf
from_hex(const char *hex)
{
	struct buf b = BUF_INIT;
	unsigned v;

	for (; *hex; hex += 2) {
		if (sscanf(hex, "%2x", &v) != 1)
			abort();
		buf_addc(&b, (char)v);
	}
	return b;
}

static void
real_batches_of_every_codec_are_read(void)
{
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		struct buf raw = from_hex(golden[i].hex), tmp = BUF_INIT;
		struct batch_record r;
		struct slice left;
		struct batch b;
		struct err e = ERR_INIT;

		batch_decode(raw.data, &b);
		CHECK_INT(b.size, raw.len);
		CHECK_INT(b.attributes, golden[i].codec);
		CHECK(batch_crc_ok(raw.data, &b));
		CHECK_INT(b.producer_id, 4711);
		CHECK_INT(b.producer_epoch, 3);
		CHECK_INT(b.base_sequence, 9);
		CHECK_INT(b.count, 4);
		CHECK_INT(b.max_timestamp, 1800000000005LL);
		if (!CHECK_INT(batch_open(raw.data, &b, 1 << 20, &tmp, &left, &e), 0))
			printf("# %s\n", e.msg);
		CHECK_INT(batch_next(&b, &left, &r), 1);
		CHECK(slice_eq_str(r.key, "k1") && r.value.len == 400);
		CHECK_INT(batch_next(&b, &left, &r), 1);
		CHECK(!r.key.data && slice_eq_str(r.value, "") && r.headers_n == 2);
		CHECK_INT(r.timestamp, 1800000000005LL);
		CHECK_INT(batch_next(&b, &left, &r), 1);
		CHECK(slice_eq_str(r.key, "") && !r.value.data);
		CHECK_INT(batch_next(&b, &left, &r), 1);
		CHECK(r.key.len == 2 && r.headers_n == 1 && r.offset == 3);
		CHECK_INT(batch_next(&b, &left, &r), 0);
		buf_release(&raw);
		buf_release(&tmp);
	}
}

/* Records, cut and bent at every place: what is quick finds what is careful. */
static void
plain_records_are_read_as_any_others(void)
{
	static const char key[300], value[20000];
	static const size_t sizes[] = { 0, 1, 60, 70, 300, 8200, 20000 };
	struct batch_builder bb;
	int bad = 0, plain = 0;
	struct batch b;

	batch_begin(&bb);
	for (int i = 0; i < 140; i++)
		batch_add(&bb, T0 + i * i * 100, i % 3 ? slice_make(key, (size_t)i * 2) :
			SLICE_NULL, i % 4 ? slice_make(value, sizes[i % 7]) :
			SLICE_NULL);
	batch_finish(&bb);
	batch_decode(bb.out.data, &b);
	srandom(7);
	for (int round = 0; round < 3000; round++) {
		size_t n = bb.out.len - BATCH_HEADER;
		uint8_t *p = xmemdup(bb.out.data + BATCH_HEADER, n), *cut;
		struct slice quick, careful;
		int got = 1;

		for (int k = 0; k < round % 60; k++)
			p[random() % 4 ? random() % 4000 : random() % (long)n] =
				(uint8_t)random();
		n -= round % 2 ? (size_t)random() % n : 0;
		cut = xmemdup(p, n); /* for the sanitizer to see its end */
		quick = careful = slice_make(cut, n);
		while (got == 1) {
			struct batch_record q = { 0 }, c = { 0 };
			struct slice before = quick;

			got = batch_next(&b, &quick, &q);
			bad += batch_next_any(&b, &careful, &c) != got;
			if (got != 1)
				break;
			bad += quick.data != careful.data || quick.len != careful.len ||
				q.offset != c.offset || q.timestamp != c.timestamp ||
				q.key.data != c.key.data || q.key.len != c.key.len ||
				q.value.data != c.value.data ||
				q.value.len != c.value.len ||
				q.headers_n != c.headers_n;
			plain += batch_next_plain(&b, &before, &q);
		}
		free(cut);
		free(p);
	}
	CHECK_INT(bad, 0);
	CHECK(plain > 3000);
	buf_release(&bb.out);
}

static struct slice
test_text(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addc(b, (char)("the quick brown fox "[i % 20] + (i / 977) % 3));
	return buf_slice(b);
}

static void
codecs_invert_themselves(void)
{
	for (int c = CODEC_GZIP; c <= CODEC_ZSTD; c++)
		for (size_t n = 1; n < 400000; n = n * 5 + 1) {
			struct buf text = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;
			struct slice in = test_text(&text, n);
			struct err e = ERR_INIT;

			CHECK_INT(codec_pack((enum codec)c, in, &packed, &e), 0);
			CHECK_INT(codec_unpack((enum codec)c, buf_slice(&packed), n,
				&back, &e), 0);
			CHECK(slice_eq(in, buf_slice(&back)));
			/* One byte less is a limit. */
			buf_clear(&back);
			CHECK_INT(codec_unpack((enum codec)c, buf_slice(&packed),
				n - 1, &back, &e), -1);
			CHECK_INT(e.code, ERR_FULL);
			buf_release(&text);
			buf_release(&packed);
			buf_release(&back);
		}
}

static void
damaged_codec_data_is_refused(void)
{
	for (int c = CODEC_GZIP; c <= CODEC_ZSTD; c++) {
		struct buf text = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;
		struct slice in = test_text(&text, 5000);
		struct err e = ERR_INIT;

		CHECK_INT(codec_pack((enum codec)c, in, &packed, &e), 0);
		for (size_t n = 0; n < packed.len; n++) {
			buf_clear(&back);
			/* Whole frames of xerial may be missing: then less comes out. */
			if (!codec_unpack((enum codec)c, slice_make(packed.data, n),
					1 << 20, &back, &e))
				CHECK(c == CODEC_SNAPPY && back.len < in.len);
		}
		for (size_t i = 0; i < packed.len; i++) {
			packed.data[i] ^= 0x41;
			buf_clear(&back);
			codec_unpack((enum codec)c, buf_slice(&packed), 1 << 20, &back, &e);
			packed.data[i] ^= 0x41;
		}
		buf_release(&text);
		buf_release(&packed);
		buf_release(&back);
	}
}

static void
raw_snappy_is_read(void)
{
	/* 11 bytes: length, then one literal. */
	static const uint8_t raw[] = { 11, 10 << 2, 'h', 'e', 'l', 'l', 'o', ' ',
		'w', 'o', 'r', 'l', 'd' };
	/* claims 2^31 bytes */
	static const uint8_t liar[] = { 0x80, 0x80, 0x80, 0x80, 8, 0, 'x' };
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK_INT(codec_unpack(CODEC_SNAPPY, slice_make(raw, sizeof(raw)), 100, &out,
		&e), 0);
	CHECK(slice_eq_str(buf_slice(&out), "hello world"));
	CHECK_INT(codec_unpack(CODEC_SNAPPY, slice_make(liar, sizeof(liar)), 1 << 27,
		&out, &e), -1);
	buf_release(&out);
}

static void
the_builder_makes_batches_that_are_accepted(void)
{
	struct batch_builder bb;
	struct buf unpacked = BUF_INIT, repacked = BUF_INIT;
	struct candidate c = { .unpacked = &unpacked, .repacked = &repacked };
	struct append_result r = { 0 };
	struct batch_record rec;

	batch_begin(&bb);
	batch_add(&bb, T0 + 7, slice_str("key"), slice_str("value"));
	batch_add(&bb, T0, SLICE_NULL, SLICE_NULL);
	batch_add(&bb, T0 + 300, slice_str(""), slice_str(""));
	batch_finish(&bb);
	c.bytes = bb.out.data;
	CHECK_INT(candidate_check(&c, bb.out.len, &test_config, T0, &r), 0);
	CHECK_INT(c.b.max_timestamp, T0 + 300);
	CHECK_INT(batch_next(&c.b, &c.records, &rec), 1);
	CHECK(slice_eq_str(rec.key, "key") && rec.timestamp == T0 + 7);
	CHECK_INT(batch_next(&c.b, &c.records, &rec), 1);
	CHECK(!rec.key.data && !rec.value.data && rec.timestamp == T0);
	buf_release(&bb.out);
}

/* Checks b as it is against a config; returns the error. */
/* r->bad is in it, until the next check. */
static struct buf bad_records;

static int16_t
check_as(struct buf *b, const struct log_config *config, struct append_result *r)
{
	struct buf unpacked = BUF_INIT, repacked = BUF_INIT;
	struct candidate c = { .bytes = b->data, .unpacked = &unpacked,
		.repacked = &repacked, .bad = &bad_records };
	int16_t error;

	*r = (struct append_result){ 0 };
	error = candidate_check(&c, b->len, config, T0, r);
	CHECK(!error == !r->message);
	buf_release(&unpacked);
	buf_release(&repacked);
	return error;
}

static void
refused(struct buf b, const struct log_config *config, int16_t error, int32_t bad)
{
	struct append_result r;

	CHECK_INT(check_as(&b, config, &r), error);
	CHECK_INT(r.bad_n ? r.bad[0].index : -1, bad);
	buf_release(&b);
}

static struct buf
good(void)
{
	return make_batch(3, 10, T0, 5, 0, 0);
}

static struct buf
with_byte(size_t at, uint8_t v, bool seal)
{
	struct buf b = good();

	b.data[at] = v;
	if (seal)
		batch_seal(b.data, b.len);
	return b;
}

static void
batches_that_are_no_batches_are_refused(void)
{
	struct buf b;

	refused(with_byte(16, 3, false), &test_config, KERR_CORRUPT_MESSAGE, -1);
	refused(with_byte(16, 1, false), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(16, 0, false), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(20, 1, false), &test_config, KERR_CORRUPT_MESSAGE, -1);
	refused(with_byte(70, 1, false), &test_config, KERR_CORRUPT_MESSAGE, -1);
	refused(with_byte(8, 0xff, false), &test_config, KERR_CORRUPT_MESSAGE, -1);
	b = good();
	b.len--;
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
	b = good();
	buf_addc(&b, 0);
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
	b = good();
	be32_put(b.data + 8, 20);
	refused(b, &test_config, KERR_CORRUPT_MESSAGE, -1);
	b = good();
	b.len = 30;
	refused(b, &test_config, KERR_CORRUPT_MESSAGE, -1);
	b = good();
	b.len = 0;
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
}

static void
headers_that_lie_are_refused(void)
{
	struct buf b;

	refused(with_byte(7, 1, false), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(60, 2, true), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(26, 1, true), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(57, 0x80, true), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(22, BATCH_CONTROL, true), &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(22, 5, true), &test_config, KERR_INVALID_RECORD, -1);
	b = make_batch(3, 10, T0, -1, -1, -1);
	b.data[22] = BATCH_TRANSACTIONAL;
	batch_seal(b.data, b.len);
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
	refused(with_byte(22, BATCH_APPEND_TIME, true), &test_config,
		KERR_INVALID_TIMESTAMP, -1);
	refused(with_byte(53, 0xff, true), &test_config, KERR_INVALID_RECORD, -1);
	/* says that it is compressed */
	refused(with_byte(22, CODEC_LZ4, true), &test_config, KERR_CORRUPT_MESSAGE, -1);
}

static void
records_that_lie_are_refused(void)
{
	struct buf b = BUF_INIT;

	/* Offsets that do not count up. */
	b.len = BATCH_HEADER;
	buf_grow(&b, 200);
	put_record(&b, 0, 0, SLICE_NULL, slice_str("x"));
	put_record(&b, 0, 2, SLICE_NULL, slice_str("x"));
	finish_batch(&b, 0, 2, T0, T0, -1, -1, -1);
	refused(b, &test_config, KERR_INVALID_RECORD, 1);
	/* One record more, and one less, than the header says. */
	b = good();
	put_record(&b, 0, 3, SLICE_NULL, slice_str("x"));
	batch_seal(b.data, b.len);
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
	b = good();
	be32_put(b.data + 57, 4);
	be32_put(b.data + 23, 3);
	batch_seal(b.data, b.len);
	refused(b, &test_config, KERR_INVALID_RECORD, -1);
	/* A length that points behind the end. */
	refused(with_byte(BATCH_HEADER, 0x7e, true), &test_config,
		KERR_INVALID_RECORD, -1);
}

/* Of a batch all records are named, and one bad timestamp decides. */
static void
every_bad_record_is_named(void)
{
	struct log_config c = test_config;
	struct append_result r;
	struct buf b = BUF_INIT;

	c.compact = true;
	b.len = BATCH_HEADER;
	buf_grow(&b, 400);
	put_record(&b, 0, 0, SLICE_NULL, slice_str("x"));
	put_record(&b, 0, 1, slice_str("k"), slice_str("x"));
	put_record(&b, 3600 * 1000 + 1, 2, slice_str("k"), slice_str("x"));
	put_record(&b, 0, 3, SLICE_NULL, slice_str("x"));
	finish_batch(&b, 0, 4, T0, T0 + 3600 * 1000 + 1, -1, -1, -1);
	CHECK_INT(check_as(&b, &c, &r), KERR_INVALID_TIMESTAMP);
	if (CHECK_INT(r.bad_n, 3)) {
		CHECK_INT(r.bad[0].index, 0);
		CHECK_INT(r.bad[1].index, 2);
		CHECK_INT(r.bad[2].index, 3);
		CHECK_STR(r.message, r.bad[1].message);
		CHECK_STR(r.bad[0].message, "records of a compacted topic need a key");
	}
	buf_release(&b);
	/* Up to a limit. */
	b = make_batch(BAD_RECORDS_MAX + 10, 1, T0, -1, -1, -1);
	CHECK_INT(check_as(&b, &c, &r), KERR_INVALID_RECORD);
	CHECK_INT(r.bad_n, BAD_RECORDS_MAX);
	buf_release(&b);
}

static void
topic_configs_are_applied(void)
{
	struct log_config c = test_config;
	struct append_result r;
	struct batch h;
	struct buf b;

	c.max_message_bytes = 100;
	refused(good(), &c, KERR_MESSAGE_TOO_LARGE, -1);
	/* The size comes first, even of garbage. */
	refused(with_byte(70, 1, false), &c, KERR_MESSAGE_TOO_LARGE, -1);
	c = test_config;
	c.segment_bytes = 100;
	refused(good(), &c, KERR_RECORD_LIST_TOO_LARGE, -1);
	c = test_config;
	c.compact = true;
	refused(good(), &c, KERR_INVALID_RECORD, 0);
	refused(make_batch(3, 10, T0 + 3600 * 1000 - 1, -1, -1, -1), &test_config,
		KERR_INVALID_TIMESTAMP, 2);
	c = test_config;
	c.timestamp_before_max_ms = 1000;
	refused(make_batch(3, 10, T0 - 1001, -1, -1, -1), &c,
		KERR_INVALID_TIMESTAMP, 0);
	refused(make_batch(1, 10, INT64_MIN, -1, -1, -1), &c,
		KERR_INVALID_TIMESTAMP, 0);
	/* No timestamp is in time. */
	b = make_batch(1, 10, -1, -1, -1, -1);
	CHECK_INT(check_as(&b, &c, &r), 0);
	buf_release(&b);
	c = test_config;
	c.append_time = true;
	b = make_batch(3, 10, 5, -1, -1, -1);
	CHECK_INT(check_as(&b, &c, &r), 0);
	batch_decode(b.data, &h);
	CHECK_INT(h.attributes, BATCH_APPEND_TIME);
	CHECK_INT(h.max_timestamp, T0);
	CHECK(batch_crc_ok(b.data, &h));
	buf_release(&b);
	/* A header that does not know the largest timestamp is set right. */
	b = good();
	be64_put(b.data + 35, 1);
	batch_seal(b.data, b.len);
	CHECK_INT(check_as(&b, &test_config, &r), 0);
	batch_decode(b.data, &h);
	CHECK_INT(h.max_timestamp, T0 + 2);
	CHECK(batch_crc_ok(b.data, &h));
	buf_release(&b);
}

static void
topics_with_a_codec_get_it(void)
{
	struct buf unpacked = BUF_INIT, repacked = BUF_INIT;

	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++)
		for (int to = CODEC_NONE; to <= CODEC_ZSTD; to++) {
			struct buf raw = from_hex(golden[i].hex);
			struct candidate c = { .bytes = raw.data,
				.unpacked = &unpacked, .repacked = &repacked,
				.bad = &bad_records };
			struct log_config config = test_config;
			struct append_result r = { 0 };
			struct buf tmp = BUF_INIT;
			struct err e = ERR_INIT;
			struct batch_record rec;
			struct slice left;
			int n = 0;

			config.compression = to;
			CHECK_INT(candidate_check(&c, raw.len, &config, T0, &r), 0);
			CHECK_INT(c.b.attributes & BATCH_CODEC_MASK, to);
			CHECK(batch_crc_ok(c.bytes, &c.b));
			CHECK_INT(c.b.producer_id, 4711);
			CHECK_INT(batch_open(c.bytes, &c.b, 1 << 20, &tmp, &left, &e), 0);
			while (batch_next(&c.b, &left, &rec) == 1)
				n++;
			CHECK_INT(n, 4);
			buf_release(&tmp);
			buf_release(&raw);
		}
	buf_release(&unpacked);
	buf_release(&repacked);
}

int
main(void)
{
	RUN(real_batches_of_every_codec_are_read);
	RUN(plain_records_are_read_as_any_others);
	RUN(codecs_invert_themselves);
	RUN(damaged_codec_data_is_refused);
	RUN(raw_snappy_is_read);
	RUN(the_builder_makes_batches_that_are_accepted);
	RUN(batches_that_are_no_batches_are_refused);
	RUN(headers_that_lie_are_refused);
	RUN(records_that_lie_are_refused);
	RUN(every_bad_record_is_named);
	RUN(topic_configs_are_applied);
	RUN(topics_with_a_codec_get_it);
	buf_release(&bad_records);
	return tap_done();
}
