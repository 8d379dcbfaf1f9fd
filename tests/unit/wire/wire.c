/* The primitives of the protocol: bounds, null and empty, files in replies. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "tap.h"
#include "wire/errors.h"
#include "wire/wire.h"

static struct arena arena;

/* A reader of exactly these bytes. */
#define READER(text) reader(text, sizeof(text) - 1)

static struct wire_reader
reader(const char *bytes, size_t n)
{
	struct wire_reader r;

	wire_reader_init(&r, slice_make(bytes, n), &arena);
	return r;
}

static void
numbers_are_big_endian(void)
{
	struct wire_reader r = READER("\x01\x80\x00\xff\xfe\xff\xff\xff\xff"
		"\x80\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08"
		"\x3f\xf8\x00\x00\x00\x00\x00\x00");

	CHECK(wire_get_bool(&r));
	CHECK_INT(wire_get_int16(&r), INT16_MIN);
	CHECK_INT(wire_get_uint16(&r), 0xfffe);
	CHECK_INT(wire_get_uint32(&r), UINT32_MAX);
	CHECK_INT(wire_get_int32(&r), INT32_MIN);
	CHECK_INT(wire_get_int64(&r), 0x0102030405060708);
	CHECK(wire_get_float64(&r) == 1.5);
	CHECK(!r.bad && r.p == r.end);
	CHECK_INT(wire_get_int8(&r), 0);
	CHECK(r.bad);
}

static void
what_is_short_is_bad_and_stays_so(void)
{
	struct wire_reader r = READER("\x01\x02\x03");
	struct uuid id;

	CHECK_INT(wire_get_int32(&r), 0);
	CHECK(r.bad);
	CHECK_INT(wire_get_int8(&r), 0);
	CHECK_INT(wire_get_uvarint(&r), 0);
	CHECK_INT(wire_get_count(&r, true, true, 1), 0);
	CHECK(!slice_is_null(wire_get_string(&r, true, true)));
	CHECK(!slice_is_null(wire_get_bytes(&r, false, true)));
	r = READER("\x01\x02\x03\x04\x05\x06\x07");
	CHECK_INT(wire_get_int64(&r), 0);
	CHECK(r.bad);
	r = READER("123456789012345");
	id = wire_get_uuid(&r);
	CHECK(uuid_is_zero(&id));
	CHECK(r.bad);
	r = reader(NULL, 0);
	CHECK_INT(wire_get_int8(&r), 0);
	CHECK(r.bad);
}

static void
uvarints_end_at_32_bits(void)
{
	struct wire_reader r = READER("\x00\x7f\x80\x01\xff\xff\xff\xff\x0f");

	CHECK_INT(wire_get_uvarint(&r), 0);
	CHECK_INT(wire_get_uvarint(&r), 127);
	CHECK_INT(wire_get_uvarint(&r), 128);
	CHECK_INT(wire_get_uvarint(&r), UINT32_MAX);
	CHECK(!r.bad);
	r = READER("\xff\xff\xff\xff\x10");
	CHECK_INT(wire_get_uvarint(&r), 0);
	CHECK(r.bad);
	r = READER("\x80\x80\x80\x80\x80\x00");
	wire_get_uvarint(&r);
	CHECK(r.bad);
	r = READER("\x80\x80");
	wire_get_uvarint(&r);
	CHECK(r.bad);
}

struct string_case {
	const char *bytes;
	size_t n;
	bool flexible, nullable;
	const char *want; /* NULL = null */
	bool bad;
};

#define CASE(text, ...) { text, sizeof(text) - 1, __VA_ARGS__ }

static void
strings_know_null_empty_and_their_bounds(void)
{
	static const struct string_case cases[] = {
		CASE("\x00\x02hi", false, false, "hi", false),
		CASE("\x00\x00", false, false, "", false),
		CASE("\xff\xff", false, true, NULL, false),
		CASE("\xff\xff", false, false, "", true),
		CASE("\xff\xfe", false, true, "", true),
		CASE("\x00\x03hi", false, true, "", true),
		CASE("\x00", false, true, "", true),
		CASE("\x03hi", true, false, "hi", false),
		CASE("\x01", true, false, "", false),
		CASE("\x00", true, true, NULL, false),
		CASE("\x00", true, false, "", true),
		CASE("\x04hi", true, true, "", true),
		CASE("\xff\xff\xff\xff\x0f", true, true, "", true),
		CASE("\x00\x02\xc3\x28", false, false, "", true), /* not UTF-8 */
		CASE("\x03\xc3\xa9", true, false, "\xc3\xa9", false),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct string_case *c = &cases[i];
		char *exact = xmemdup(c->bytes, c->n);
		struct wire_reader r = reader(exact, c->n);
		struct slice s = wire_get_string(&r, c->flexible, c->nullable);

		if (!CHECK(slice_eq_str(s, c->want)) || !CHECK(r.bad == c->bad))
			printf("# ... case %zu\n", i);
		free(exact);
	}
}

static void
strings_have_at_most_32767_bytes(void)
{
	for (int flexible = 0; flexible < 2; flexible++) {
		for (size_t n = 32767; n <= 32768; n++) {
			char *text = xcalloc(n, 1);
			struct wire_writer w = { .out = BUF_INIT };
			struct wire_reader r;

			wire_put_string(&w, flexible, false, slice_make(text, n));
			CHECK(w.bad == (n > 32767));
			if (flexible && w.bad) { /* what a rude peer may send */
				CHECK_INT(w.out.len, 0);
				w.bad = false;
				wire_put_bytes(&w, true, false, slice_make(text, n));
			}
			wire_reader_init(&r, buf_slice(&w.out), &arena);
			wire_get_string(&r, flexible, false);
			CHECK(r.bad == (n > 32767));
			wire_writer_release(&w);
			free(text);
		}
	}
}

static void
bytes_know_null_empty_and_their_bounds(void)
{
	struct wire_reader r = READER("\x00\x00\x00\x01\xff\xff\xff\xff\xff\x02\xff\x00");

	CHECK(slice_eq(wire_get_bytes(&r, false, false), slice_make("\xff", 1)));
	CHECK(slice_is_null(wire_get_bytes(&r, false, true)));
	CHECK(slice_eq(wire_get_bytes(&r, true, false), slice_make("\xff", 1)));
	CHECK(slice_is_null(wire_get_bytes(&r, true, true)));
	CHECK(!r.bad);
	r = READER("\x7f\xff\xff\xff\x00");
	wire_get_bytes(&r, false, true);
	CHECK(r.bad);
	r = READER("\xff\xff\xff\xfe");
	wire_get_bytes(&r, false, true);
	CHECK(r.bad);
}

static void
counts_must_fit_what_is_left(void)
{
	struct wire_reader r = READER("\x00\x00\x00\x02" "12345678");

	CHECK_INT(wire_get_count(&r, false, false, 4), 2);
	r = READER("\x00\x00\x00\x02" "1234567");
	CHECK_INT(wire_get_count(&r, false, false, 4), 0);
	CHECK(r.bad);
	r = READER("\x7f\xff\xff\xff" "1234");
	CHECK_INT(wire_get_count(&r, false, false, 1), 0);
	CHECK(r.bad);
	r = READER("\xff\xff\xff\xff\x0f" "1234");
	CHECK_INT(wire_get_count(&r, true, false, 1), 0);
	CHECK(r.bad);
	r = READER("\x05" "1234");
	CHECK_INT(wire_get_count(&r, true, false, 1), 4);
	CHECK(!r.bad);
	r = READER("\x00\xff\xff\xff\xff");
	CHECK_INT(wire_get_count(&r, true, true, 8), -1);
	CHECK_INT(wire_get_count(&r, false, true, 8), -1);
	CHECK(!r.bad);
	r = READER("\xff\xff\xff\xff");
	CHECK_INT(wire_get_count(&r, false, false, 8), 0);
	CHECK(r.bad);
	r = READER("\x80\x00\x00\x00");
	CHECK_INT(wire_get_count(&r, false, true, 8), 0);
	CHECK(r.bad);
}

static void
tags_are_skipped_whole(void)
{
	struct wire_reader r = READER("\x02\x00\x01x\x80\x01\x02yz!");

	wire_skip_tags(&r);
	CHECK(!r.bad);
	CHECK_INT(wire_get_int8(&r), '!');
	r = READER("\x02\x00\x01x");
	wire_skip_tags(&r);
	CHECK(r.bad);
	r = READER("\x01\x00\xff\xff\xff\xff\x0fxyz");
	wire_skip_tags(&r);
	CHECK(r.bad);
	/* four thousand million tags, said in five bytes */
	r = READER("\xff\xff\xff\xff\x0f\x00\x00\x01\x00");
	wire_skip_tags(&r);
	CHECK(r.bad);
}

static void
a_tag_is_used_up_exactly(void)
{
	struct wire_reader r = READER("\x07\x02\x01\x02"), field;
	uint32_t tag;

	CHECK(wire_get_tag(&r, &tag, &field));
	CHECK_INT(tag, 7);
	CHECK_INT(wire_get_int8(&field), 1);
	wire_end_tag(&r, &field);
	CHECK(r.bad);
	r = READER("\x07\x01\x01\x02");
	CHECK(wire_get_tag(&r, &tag, &field));
	CHECK_INT(wire_get_int16(&field), 0);
	wire_end_tag(&r, &field);
	CHECK(r.bad);
}

static void
writing_gives_what_reading_takes(void)
{
	struct wire_writer w = { .out = BUF_INIT };
	static const char want[] = "\x01\xfe\xff\xfe\xfe\xff\xff\xff\xff\xfe"
		"\xff\xff\xff\xff\x0f\x00\x01" "a\x02" "a\xff\xff\x00\x00\x00\x00\x00"
		"\xff\xff\xff\xff\x04";

	wire_put_bool(&w, true);
	wire_put_int8(&w, -2);
	wire_put_int16(&w, -2);
	wire_put_uint16(&w, 0xfeff);
	wire_put_int32(&w, -2);
	wire_put_uvarint(&w, UINT32_MAX);
	wire_put_string(&w, false, false, slice_str("a"));
	wire_put_string(&w, true, false, slice_str("a"));
	wire_put_string(&w, false, true, SLICE_NULL);
	wire_put_string(&w, true, true, SLICE_NULL);
	wire_put_bytes(&w, false, false, slice_make("", 0));
	wire_put_count(&w, false, true, -1);
	wire_put_count(&w, true, true, 3);
	CHECK(!w.bad);
	CHECK(slice_eq(buf_slice(&w.out), slice_make(want, sizeof(want) - 1)));
	wire_writer_release(&w);
}

static void
null_where_none_may_be_is_bad_and_stays_so(void)
{
	struct wire_writer w = { .out = BUF_INIT };

	wire_put_int8(&w, 1);
	wire_put_string(&w, true, false, SLICE_NULL);
	CHECK(w.bad);
	wire_put_int64(&w, 1);
	wire_put_uvarint(&w, 1);
	wire_put_bytes(&w, true, false, slice_str("x"));
	CHECK_INT(w.out.len, 1);
	wire_writer_release(&w);
	wire_put_count(&w, true, false, -1);
	CHECK(w.bad);
	wire_writer_release(&w);
	wire_put_count(&w, true, true, -2);
	CHECK(w.bad);
	wire_writer_release(&w);
}

static void
long_tags_get_long_sizes(void)
{
	char text[300] = { 0 };

	for (size_t n = 124; n < 300; n += 87) { /* one byte of size, and two */
		struct wire_writer w = { .out = BUF_INIT };
		struct wire_reader r, field;
		uint32_t tag;
		size_t at;

		wire_put_int8(&w, 9);
		at = wire_open_tag(&w, 3);
		wire_put_string(&w, false, false, slice_make(text, n));
		wire_close_tag(&w, at);
		wire_reader_init(&r, buf_slice(&w.out), &arena);
		CHECK_INT(wire_get_int8(&r), 9);
		CHECK(wire_get_tag(&r, &tag, &field));
		CHECK_INT(tag, 3);
		CHECK_INT(wire_get_string(&field, false, false).len, n);
		wire_end_tag(&r, &field);
		CHECK(!r.bad && r.p == r.end);
		wire_writer_release(&w);
	}
}

static int released;

static void
on_release(struct wire_file *f)
{
	(void)f;
	released++;
}

static void
records_in_files_leave_gaps(void)
{
	struct wire_file file = { .fd = -1, .refs = 1, .release = on_release };
	struct wire_writer w = { .out = BUF_INIT };

	released = 0;
	wire_put_int8(&w, 1);
	for (int i = 0; i < 20; i++)
		wire_put_records(&w, i % 2, &(struct wire_records){
			.file = &file, .pos = 100 * i, .len = 70000 });
	wire_put_records(&w, false, &(struct wire_records){ .file = &file });
	wire_put_records(&w, true, &(struct wire_records){ .mem = slice_str("ab") });
	wire_put_records(&w, true, &(struct wire_records){ .mem = SLICE_NULL });
	CHECK(!w.bad);
	CHECK_INT(w.gaps_n, 20);
	CHECK_INT(file.refs, 21);
	CHECK_INT(w.gaps[0].at, 5);       /* int8 and 4 bytes of length */
	CHECK_INT(w.gaps[1].at, 8);       /* and 3 of varint */
	CHECK_INT(w.gaps[19].pos, 1900);
	CHECK_INT(w.out.len, 1 + 10 * 4 + 10 * 3 + 4 + 3 + 1);
	CHECK_INT(wire_writer_size(&w), w.out.len + 20 * 70000);
	wire_writer_release(&w);
	CHECK_INT(file.refs, 1);
	CHECK_INT(released, 0);
	wire_put_records(&w, true, &(struct wire_records){ .file = &file, .len = 1 });
	file.refs--;
	wire_writer_release(&w);
	CHECK_INT(released, 1);
}

static void
errors_have_kafkas_names(void)
{
	CHECK_STR(kerr_name(0), "NONE");
	CHECK_STR(kerr_name(KERR_UNKNOWN_SERVER_ERROR), "UNKNOWN_SERVER_ERROR");
	CHECK_INT(KERR_UNKNOWN_SERVER_ERROR, -1);
	CHECK_INT(KERR_UNKNOWN_TOPIC_OR_PARTITION, 3);
	CHECK_INT(KERR_INVALID_RECORD, 87);
	CHECK_STR(kerr_message(KERR_TOPIC_ALREADY_EXISTS), "topic exists already");
	CHECK_STR(kerr_name(9999), "UNKNOWN_ERROR_CODE");
	CHECK(kerr_message(-2)[0]);
}

int
main(void)
{
	RUN(numbers_are_big_endian);
	RUN(what_is_short_is_bad_and_stays_so);
	RUN(uvarints_end_at_32_bits);
	RUN(strings_know_null_empty_and_their_bounds);
	RUN(strings_have_at_most_32767_bytes);
	RUN(bytes_know_null_empty_and_their_bounds);
	RUN(counts_must_fit_what_is_left);
	RUN(tags_are_skipped_whole);
	RUN(a_tag_is_used_up_exactly);
	RUN(writing_gives_what_reading_takes);
	RUN(null_where_none_may_be_is_bad_and_stays_so);
	RUN(long_tags_get_long_sizes);
	RUN(records_in_files_leave_gaps);
	RUN(errors_have_kafkas_names);
	arena_release(&arena);
	return tap_done();
}
