/* What became of dead letters: states, marks, counts, and their texts. */
#include "model/ledger.h"

#include "model/ledger_run.h"
#include "tap.h"

static void
apply(struct ledger *l, int32_t p, int64_t offset, enum ledger_state state)
{
	struct ledger_entry x = { .partition = p, .offset = offset, .state = state };

	ledger_apply(l, &x);
}

static void
a_record_without_an_entry_is_open(void)
{
	struct ledger l = { 0 };

	ledger_start(&l, 0, 100);
	CHECK_INT(ledger_state(&l, 0, 100), LEDGER_OPEN);
	CHECK_INT(ledger_state(&l, 0, 99), LEDGER_OPEN);
	CHECK_INT(ledger_state(&l, 7, 0), LEDGER_OPEN);
	apply(&l, 0, 100000, LEDGER_PARKED);
	CHECK_INT(ledger_state(&l, 0, 100000), LEDGER_PARKED);
	CHECK_INT(ledger_state(&l, 0, 100001), LEDGER_OPEN);
	CHECK_INT(ledger_state(&l, 0, 99999), LEDGER_OPEN);
	CHECK_INT(l.parts[0].counts[LEDGER_PARKED], 1);
	apply(&l, 0, 100000, LEDGER_OPEN);
	CHECK_INT(l.parts[0].counts[LEDGER_PARKED], 0);
	ledger_release(&l);
}

static void
the_mark_stands_before_the_first_open_one(void)
{
	struct ledger l = { 0 };

	ledger_start(&l, 0, 10);
	CHECK_INT(ledger_mark(&l, 0), 10);
	apply(&l, 0, 11, LEDGER_REDRIVEN);
	CHECK_INT(ledger_mark(&l, 0), 10);
	apply(&l, 0, 10, LEDGER_DISCARDED);
	CHECK_INT(ledger_mark(&l, 0), 12);
	apply(&l, 0, 5, LEDGER_REDRIVEN); /* is gone */
	CHECK_INT(ledger_mark(&l, 0), 12);
	ledger_release(&l);
}

static void
the_mark_goes_back_when_one_is_open_again(void)
{
	struct ledger l = { 0 };

	ledger_start(&l, 0, 0);
	for (int i = 0; i < 10000; i++)
		apply(&l, 0, i, LEDGER_REDRIVEN);
	CHECK_INT(ledger_mark(&l, 0), 10000);
	apply(&l, 0, 4097, LEDGER_OPEN);
	CHECK_INT(ledger_mark(&l, 0), 4097);
	apply(&l, 0, 4097, LEDGER_PARKED);
	CHECK_INT(ledger_mark(&l, 0), 10000);
	ledger_release(&l);
}

/* Control records, compaction: what a reading did not find is not open. */
static void
gaps_that_were_read_over_do_not_stop_the_mark(void)
{
	struct ledger l = { 0 };

	ledger_start(&l, 0, 0);
	ledger_scan(&l, 0, 0);
	ledger_saw(&l, 0, 2);
	CHECK_INT(ledger_mark(&l, 0), 2);
	apply(&l, 0, 2, LEDGER_REDRIVEN);
	CHECK_INT(ledger_mark(&l, 0), 3);
	ledger_saw(&l, 0, 5);
	CHECK_INT(ledger_mark(&l, 0), 5);
	apply(&l, 0, 5, LEDGER_REDRIVEN);
	ledger_scanned(&l, 0, 9);
	CHECK_INT(ledger_mark(&l, 0), 9);
	ledger_release(&l);
}

static void
what_lies_before_a_reading_is_not_taken_for_a_gap(void)
{
	struct ledger l = { 0 };

	ledger_start(&l, 0, 0);
	ledger_scan(&l, 0, 50);
	ledger_saw(&l, 0, 50);
	ledger_scanned(&l, 0, 60);
	CHECK_INT(ledger_mark(&l, 0), 0);
	ledger_release(&l);
}

static void
fingerprints_tell_null_from_empty_and_key_from_value(void)
{
	struct slice ab = slice_str("ab"), a = slice_str("a"), b = slice_str("b"),
		none = slice_str("");

	CHECK(ledger_fingerprint(a, b) == ledger_fingerprint(a, b));
	CHECK(ledger_fingerprint(a, b) != ledger_fingerprint(b, a));
	CHECK(ledger_fingerprint(ab, none) != ledger_fingerprint(a, b));
	CHECK(ledger_fingerprint(SLICE_NULL, a) != ledger_fingerprint(none, a));
	CHECK(ledger_fingerprint(a, SLICE_NULL) != ledger_fingerprint(a, none));
	/* the same on every machine and in every version: it is stored */
	CHECK_INT(ledger_fingerprint(slice_str("k2"), slice_str("v2")),
		INT64_C(0x1331b6e3d4fe5c32));
}

static void
notes_are_kept_and_taken_back(void)
{
	struct ledger l = { 0 };
	struct ledger_entry x = { .offset = 3, .note = slice_str("waits") };

	ledger_start(&l, 0, 0);
	ledger_apply(&l, &x);
	CHECK_STR(ledger_note(&l, 0, 3), "waits");
	CHECK(!ledger_note(&l, 0, 4));
	x.note = slice_str("no more");
	ledger_apply(&l, &x);
	CHECK_STR(ledger_note(&l, 0, 3), "no more");
	x.note = SLICE_NULL;
	ledger_apply(&l, &x);
	CHECK(!ledger_note(&l, 0, 3));
	ledger_release(&l);
}

static void
entries_are_read_as_they_were_written(void)
{
	struct ledger_entry x = { 2, INT64_MAX, LEDGER_RETURNED, 1795332687352, 2,
		UINT64_C(0x0123456789abcdef), slice_str("r\"1"),
		slice_str("me@host"), slice_str("orders/2"),
		slice_str("tab\tnew\nline \xc3\xa9") }, y;
	struct buf key = BUF_INIT, value = BUF_INIT, again = BUF_INIT;
	struct arena a = { 0 };
	struct err e = ERR_INIT;

	ledger_entry_key(&key, x.partition, x.offset);
	ledger_entry_write(&value, &x);
	CHECK_STR(buf_cstr(&key), "2/9223372036854775807");
	if (CHECK_INT(ledger_entry_read(buf_slice(&key), buf_slice(&value), &a, &y,
	    &e), 0)) {
		ledger_entry_write(&again, &y);
		CHECK_STR(buf_cstr(&again), buf_cstr(&value));
		CHECK_INT(y.partition, 2);
		CHECK_INT(y.offset, INT64_MAX);
		CHECK(slice_eq(y.note, x.note));
	}
	buf_release(&key);
	buf_release(&value);
	buf_release(&again);
	arena_release(&a);
}

static void
other_entries_are_refused(void)
{
	static const struct { const char *key, *value; } bad[] = {
		{ "", "{\"state\":\"open\"}" }, { "0", "{\"state\":\"open\"}" },
		{ "0/", "{\"state\":\"open\"}" }, { "-1/2", "{\"state\":\"open\"}" },
		{ "0/1x", "{\"state\":\"open\"}" }, { "0/1", "" }, { "0/1", "{" },
		{ "0/1", "{\"state\":\"opened\"}" }, { "0/1", "{\"state\":1}" },
		{ "0/1", "{\"at\":\"now\"}" }, { "0/1", "[]" },
		{ "0/1", "{\"fingerprint\":\"12\"}" }, { "0/1", "{} {}" },
	};
	struct arena a = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct ledger_entry x;
		struct err e = ERR_INIT;

		if (!CHECK_INT(ledger_entry_read(slice_str(bad[i].key),
		    slice_str(bad[i].value), &a, &x, &e), -1))
			printf("# %s %s\n", bad[i].key, bad[i].value);
	}
	arena_release(&a);
}

static void
runs_are_read_as_they_were_written(void)
{
	struct slice terms[] = { slice_str("class=*Timeout*"), slice_str("0:1-5") };
	struct ledger_run x = { .id = slice_str("r1"), .verb = slice_str("redrive"),
		.state = slice_str("running"), .by = slice_str("me@host"),
		.pid = 12, .since = 5, .select = terms, .select_n = 2,
		.ends = slice_str("0:120,1:33,10:7"), .sent = 3 }, y;
	struct buf value = BUF_INIT, again = BUF_INIT;
	struct arena a = { 0 };
	struct err e = ERR_INIT;
	struct slice id;

	CHECK(ledger_run_is_key(slice_str("run/r1"), &id) && slice_eq_str(id, "r1"));
	CHECK(!ledger_run_is_key(slice_str("run/"), &id));
	CHECK(!ledger_run_is_key(slice_str("0/5"), &id));
	ledger_run_write(&value, &x);
	if (CHECK_INT(ledger_run_read(x.id, buf_slice(&value), &a, &y, &e), 0)) {
		ledger_run_write(&again, &y);
		CHECK_STR(buf_cstr(&again), buf_cstr(&value));
		CHECK_INT(y.select_n, 2);
		CHECK_INT(ledger_run_end(&y, 0), 120);
		CHECK_INT(ledger_run_end(&y, 1), 33);
		CHECK_INT(ledger_run_end(&y, 10), 7);
		CHECK_INT(ledger_run_end(&y, 2), 0);
	}
	buf_release(&value);
	buf_release(&again);
	arena_release(&a);
}

int
main(void)
{
	RUN(a_record_without_an_entry_is_open);
	RUN(the_mark_stands_before_the_first_open_one);
	RUN(the_mark_goes_back_when_one_is_open_again);
	RUN(gaps_that_were_read_over_do_not_stop_the_mark);
	RUN(what_lies_before_a_reading_is_not_taken_for_a_gap);
	RUN(fingerprints_tell_null_from_empty_and_key_from_value);
	RUN(notes_are_kept_and_taken_back);
	RUN(entries_are_read_as_they_were_written);
	RUN(other_entries_are_refused);
	RUN(runs_are_read_as_they_were_written);
	return tap_done();
}
