/* Every message in every version: reader and writer against tables. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "tap.h"
#include "wire/any.h"

enum { ROUNDS = 12 };

static uint64_t seed = 20260115;

/* Calls fn for each message, each of its versions, ROUNDS values each. */
static void
each(void (*fn)(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a))
{
	for (size_t i = 0; i < ANY_MESSAGES; i++) {
		const struct any_message *m = &any_messages[i];
		int bad = tap_bad;

		for (int v = m->min; v <= m->max && tap_bad == bad; v++) {
			for (int n = 0; n < ROUNDS && tap_bad == bad; n++) {
				struct arena a = { 0 };
				uint8_t *value = arena_alloc(&a, m->size);

				any_fill(m->type, v, &seed, &a, value);
				fn(m, v, value, &a);
				arena_release(&a);
			}
			if (tap_bad != bad)
				printf("# ... in %s version %d\n", m->name, v);
		}
	}
}

static struct buf
encode(const struct any_message *m, int version, const uint8_t *value, bool strangers)
{
	struct any_encoder e = { .flexible = version >= m->flexible,
		.strangers = strangers, .version = version };

	any_encode(&e, m->type, value);
	return e.out;
}

static void
one_is_written(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a)
{
	struct buf want = encode(m, version, value, false);
	struct wire_writer w = { .out = BUF_INIT };

	(void)a;
	m->write(&w, (int16_t)version, value);
	CHECK(!w.bad);
	CHECK(slice_eq(buf_slice(&w.out), buf_slice(&want)));
	wire_writer_release(&w);
	buf_release(&want);
}

static void
writing_gives_what_the_tables_say(void)
{
	each(one_is_written);
}

/* Reads from memory of exactly that size, so that ASan sees any excess. */
struct exact {
	uint8_t *bytes;
	struct wire_reader r;
	int result;
};

static struct exact
read_exactly(const struct any_message *m, int version, struct slice bytes,
	struct arena *a, uint8_t *out)
{
	struct exact x = { .bytes = xmemdup(bytes.data, bytes.len) };

	wire_reader_init(&x.r, slice_make(x.bytes, bytes.len), a);
	x.result = m->read(&x.r, (int16_t)version, out);
	return x;
}

static void
check_read(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a, bool strangers)
{
	struct buf bytes = encode(m, version, value, strangers);
	uint8_t *out = arena_alloc(a, m->size);
	struct exact x = read_exactly(m, version, buf_slice(&bytes), a, out);

	CHECK_INT(x.result, 0);
	CHECK(x.r.p == x.r.end);
	CHECK(any_equal(m->type, value, out));
	free(x.bytes);
	buf_release(&bytes);
}

static void
one_is_read(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a)
{
	check_read(m, version, value, a, false);
}

static void
reading_gives_back_every_field_and_default(void)
{
	each(one_is_read);
}

static void
one_with_strangers(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a)
{
	check_read(m, version, value, a, true);
}

static void
unknown_tags_are_skipped(void)
{
	each(one_with_strangers);
}

static void
one_is_cut(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a)
{
	struct buf bytes = encode(m, version, value, false);
	uint8_t *out = arena_alloc(a, m->size);

	for (size_t n = 0; n < bytes.len; n++) {
		struct exact x = read_exactly(m, version,
			slice_make(bytes.data, n), a, out);

		CHECK_INT(x.result, -1);
		free(x.bytes);
	}
	buf_release(&bytes);
}

static void
cut_messages_are_bad(void)
{
	each(one_is_cut);
}

/* Any bytes at all: nothing is read past the end, nothing huge allocated. */
static void
one_is_damaged(const struct any_message *m, int version, const uint8_t *value,
	struct arena *a)
{
	struct buf bytes = encode(m, version, value, false);
	uint8_t *out = arena_alloc(a, m->size);
	size_t before = a->total;

	for (int i = 0; i < 8 && bytes.len; i++) {
		bytes.data[any_random(&seed) % bytes.len] = (uint8_t)any_random(&seed);
		free(read_exactly(m, version, buf_slice(&bytes), a, out).bytes);
	}
	CHECK(a->total - before <= 8 * (8192 + 64 * bytes.len));
	buf_release(&bytes);
}

static void
damaged_messages_stay_inside_their_bytes(void)
{
	each(one_is_damaged);
}

static void
versions_outside_the_range_are_bad(void)
{
	for (size_t i = 0; i < ANY_MESSAGES; i++) {
		const struct any_message *m = &any_messages[i];
		const int versions[] = { m->min - 1, m->max + 1 };
		struct arena a = { 0 };
		uint8_t *value = arena_alloc(&a, m->size);

		for (int k = 0; k < 2; k++) {
			struct wire_writer w = { .out = BUF_INIT };
			struct wire_reader r;
			uint8_t zeros[64] = { 0 };

			m->type->init(value);
			m->write(&w, (int16_t)versions[k], value);
			CHECK(w.bad && !w.out.len);
			wire_writer_release(&w);
			wire_reader_init(&r, slice_make(zeros, sizeof(zeros)), &a);
			CHECK_INT(m->read(&r, (int16_t)versions[k], value), -1);
		}
		arena_release(&a);
	}
}

static void
requests_and_responses_come_in_pairs(void)
{
	int pairs = 0;

	for (size_t i = 0; i < ANY_MESSAGES; i++) {
		const struct any_message *q = &any_messages[i], *p = q + 1;

		if (strcmp(q->kind, "request"))
			continue;
		CHECK_STR(p->kind, "response");
		CHECK_INT(p->key, q->key);
		CHECK_INT(p->min, q->min);
		CHECK_INT(p->max, q->max);
		CHECK_INT(p->flexible, q->flexible);
		pairs++;
	}
	CHECK(pairs >= 25);
}

int
main(void)
{
	RUN(requests_and_responses_come_in_pairs);
	RUN(writing_gives_what_the_tables_say);
	RUN(reading_gives_back_every_field_and_default);
	RUN(unknown_tags_are_skipped);
	RUN(cut_messages_are_bad);
	RUN(damaged_messages_stay_inside_their_bytes);
	RUN(versions_outside_the_range_are_bad);
	return tap_done();
}
