/* Which records are chosen, and offsets by partition. */
#include "model/replay_select.h"

#include "model/replay_range.h"
#include "tap.h"

static struct record
record(const char *key, int64_t offset)
{
	return (struct record){ .partition = 1, .offset = offset,
		.key = slice_str(key), .value = slice_str("v") };
}

static void
everything_by_default(void)
{
	const struct replay_select s = { .sample = SAMPLE_ALL };
	struct record r = record(NULL, 0);

	CHECK(replay_selects(&s, &r));
	r.value = SLICE_NULL;
	CHECK(replay_selects(&s, &r));
}

static void
keys_and_tombstones(void)
{
	const struct slice keys[] = { slice_str("a"), slice_str("") };
	struct replay_select s = { .sample = SAMPLE_ALL, .keys = keys, .keys_n = 2 };
	struct record a = record("a", 0), empty = record("", 0), null = record(NULL, 0);

	CHECK(replay_selects(&s, &a));
	CHECK(replay_selects(&s, &empty));
	CHECK(!replay_selects(&s, &null)); /* null is not empty */
	s.tombstones = TOMBSTONES_ONLY;
	CHECK(!replay_selects(&s, &a));
	a.value = SLICE_NULL;
	CHECK(replay_selects(&s, &a));
	s.tombstones = TOMBSTONES_DROP;
	CHECK(!replay_selects(&s, &a));
	a.value = slice_str("");
	CHECK(replay_selects(&s, &a)); /* empty is no tombstone */
}

static void
an_expression_sees_all_bytes(void)
{
	struct replay_select s = { .sample = SAMPLE_ALL };
	struct record r = record("user-17", 0);
	struct err e;

	CHECK_INT(replay_select_regex(&s, "^user-[0-9]+$", &e), 0);
	CHECK(replay_selects(&s, &r));
	r.key.len = 5; /* no NUL behind it */
	CHECK(!replay_selects(&s, &r));
	r.key = SLICE_NULL;
	CHECK(!replay_selects(&s, &r));
	replay_select_release(&s);
	CHECK_INT(replay_select_regex(&s, "(", &e), -1);
	CHECK_INT(e.code, ERR_USAGE);
}

static void
each_header_must_be_there(void)
{
	const struct record_header have[] = { { slice_str("a"), slice_str("1") },
		{ slice_str("a"), slice_str("2") }, { slice_str("b"), SLICE_NULL } };
	struct record_header want[] = { { slice_str("a"), slice_str("2") },
		{ slice_str("b"), SLICE_NULL } };
	struct replay_select s = { .sample = SAMPLE_ALL, .headers = want, .headers_n = 2 };
	struct record r = record("k", 0);

	r.headers = have;
	r.headers_n = 3;
	CHECK(replay_selects(&s, &r));
	r.headers_n = 2;
	CHECK(!replay_selects(&s, &r));
	want[0].value = slice_str("3");
	r.headers_n = 3;
	CHECK(!replay_selects(&s, &r));
}

static void
samples_are_read(void)
{
	static const char *const bad[] = { "", "10", "%", "101%", "0%", "0.00001%",
		"10%:value", "10%key", "-1%", "1 %" };
	struct replay_select s = { 0 };
	struct err e;

	CHECK_INT(replay_select_sample(&s, "10%", &e), 0);
	CHECK_INT(s.sample, 100000);
	CHECK(!s.sample_by_key);
	CHECK_INT(replay_select_sample(&s, "0.05%:key", &e), 0);
	CHECK_INT(s.sample, 500);
	CHECK(s.sample_by_key);
	CHECK_INT(replay_select_sample(&s, "100%", &e), 0);
	CHECK_INT(s.sample, SAMPLE_ALL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK_INT(replay_select_sample(&s, bad[i], &e), -1))
			printf("# %s\n", bad[i]);
}

/* About the share, always the same, and by keys all of a key's or none. */
static void
samples_are_fair_and_stable(void)
{
	struct replay_select s = { .sample = 100000 };
	int chosen = 0, by_key = 0;
	char key[16];

	for (int i = 0; i < 100000; i++) {
		struct record r = record("same", i);

		chosen += replay_selects(&s, &r);
	}
	CHECK(chosen > 9500 && chosen < 10500);
	s.sample_by_key = true;
	for (int i = 0; i < 10000; i++) {
		struct record r, other;

		snprintf(key, sizeof(key), "key-%d", i);
		r = record(key, i);
		other = record(key, i + 12345);
		other.partition = 7;
		by_key += replay_selects(&s, &r);
		if (replay_selects(&s, &r) != replay_selects(&s, &other))
			CHECK_INT(i, -1);
	}
	CHECK(by_key > 900 && by_key < 1100);
}

static void
offsets_are_read(void)
{
	struct replay_ranges r;
	const struct replay_range *x;
	struct err e;

	CHECK_INT(replay_ranges_parse(slice_str("3:7,0:100-200,1:5-,2"), &r, &e), 0);
	CHECK_INT(r.n, 4);
	x = replay_ranges_find(&r, 0);
	CHECK(x && x->from == 100 && x->to == 201);
	x = replay_ranges_find(&r, 1);
	CHECK(x && x->from == 5 && x->to == -1);
	x = replay_ranges_find(&r, 2);
	CHECK(x && x->from == -1 && x->to == -1);
	x = replay_ranges_find(&r, 3);
	CHECK(x && x->from == 7 && x->to == 8);
	CHECK(!replay_ranges_find(&r, 4));
	replay_ranges_release(&r);
}

static void
other_offsets_are_refused(void)
{
	static const char *const bad[] = { "", ",", "a", "0:", "0:-5", "0:5-4",
		"0:1,0:2", "0:1,", "-1:0", "0:1-2-3", "0:99999999999999999999" };
	struct replay_ranges r;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!CHECK_INT(replay_ranges_parse(slice_str(bad[i]), &r, &e), -1))
			printf("# %s\n", bad[i]);
		CHECK_INT(e.code, ERR_USAGE);
	}
}

int
main(void)
{
	RUN(everything_by_default);
	RUN(keys_and_tombstones);
	RUN(an_expression_sees_all_bytes);
	RUN(each_header_must_be_there);
	RUN(samples_are_read);
	RUN(samples_are_fair_and_stable);
	RUN(offsets_are_read);
	RUN(other_offsets_are_refused);
	return tap_done();
}
