/* Which dead letters are meant. */
#include "model/dlq_select.h"

#include "tap.h"

static const struct record_header headers[] = {
	{ { "trace", 5 }, { "abc", 3 } }, { { "trace", 5 }, { "def", 3 } },
	{ { "empty", 5 }, { NULL, 0 } },
};
static const struct record record = {
	.partition = 2, .offset = 41, .has_timestamp = true, .timestamp = 1000,
	.key = { "k1", 2 }, .headers = headers, .headers_n = 3,
};
static const struct deadletter letter = {
	.scheme = DEADLETTER_CONNECT,
	.origin = { .topic = { "orders", 6 }, .partition = 3, .offset = 7 },
	.error = { .class = { "java.util.TimeoutException", 26 },
		.message = { "took 12 s", 9 }, .kind = { "transient", 9 } },
	.failed_at = 5000,
};

static bool
selects(const struct dlq_record *x, const char *const *terms)
{
	struct dlq_select s = { 0 };
	struct err e = ERR_INIT;
	bool yes;

	for (int i = 0; terms[i]; i++)
		if (!CHECK_INT(dlq_select_add(&s, terms[i], 10000, &e), 0))
			printf("# %s: %s\n", terms[i], e.msg);
	yes = dlq_select_matches(&s, x);
	dlq_select_release(&s);
	return yes;
}

static void
one_term_selects_or_not(void)
{
	static const struct { const char *term; bool yes; } cases[] = {
		{ "2:41", true }, { "2:42", false }, { "1:41", false },
		{ "2:40-41", true }, { "2:0-40", false }, { "2:*", true },
		{ "class=TimeoutException", true }, { "class=*Timeout*", true },
		{ "class=java.util.TimeoutException", true },
		{ "class=Timeout", false }, { "class=util.TimeoutException", false },
		{ "message=took [0-9]+ s", true }, { "message=^s", false },
		{ "kind=transient", true }, { "stage=*", false },
		{ "scheme=connect", true }, { "scheme=spring", false },
		{ "origin=orders", true }, { "origin=order", false },
		{ "origin=orders/3", true }, { "origin=orders/4", false },
		{ "key=k1", true }, { "key=k", false },
		{ "header=trace", true }, { "header=trace=def", true },
		{ "header=trace=x", false }, { "header=tra", false },
		{ "header=empty", true }, { "header=empty=", false },
		{ "since=@5000", true }, { "since=@5001", false },
		{ "until=@5000", false }, { "until=@5001", true },
		{ "state=open", true }, { "state=parked", false },
		{ "where=offset > 6", true }, { "where=partition != 3", false },
		{ "where=header.trace = def", true },
		{ "where=header.trace != def", false },
		{ "where=header.none != def", true }, { "where=header.empty", false },
		{ "where=timestamp >= 5000", true }, { "where=kind ~ ^trans", true },
		{ "group=abcd", true }, { "group=abcdef", true },
		{ "group=bcde", false }, { "group=abcdefg", false },
	};
	const struct dlq_record x = { &record, &letter, LEDGER_OPEN, "abcdef",
		SLICE_NULL };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!CHECK_INT(selects(&x, (const char *const[]){ cases[i].term,
		    NULL }), cases[i].yes))
			printf("# %s\n", cases[i].term);
}

static void
alternatives_within_a_kind_all_kinds_together(void)
{
	const struct dlq_record x = { &record, &letter, LEDGER_OPEN, NULL, SLICE_NULL };
	const struct dlq_record parked = { &record, &letter, LEDGER_PARKED, NULL, SLICE_NULL };

	CHECK(selects(&x, (const char *const[]){ NULL }));
	CHECK(selects(&x, (const char *const[]){ "2:1", "2:41", NULL }));
	CHECK(selects(&x, (const char *const[]){ "class=No", "class=*Time*", NULL }));
	CHECK(!selects(&x, (const char *const[]){ "2:41", "class=No", NULL }));
	CHECK(selects(&x, (const char *const[]){ "header=trace=abc",
		"header=trace=def", NULL }));
	CHECK(!selects(&x, (const char *const[]){ "header=trace=abc",
		"header=nope", NULL }));
	CHECK(!selects(&x, (const char *const[]){ "since=@1", "until=@2", NULL }));
	CHECK(!selects(&parked, (const char *const[]){ "2:41", NULL }));
	CHECK(selects(&parked, (const char *const[]){ "2:41", "state=parked",
		"state=open", NULL }));
}

static void
what_another_matches_can_be_left_out(void)
{
	const struct dlq_record x = { &record, &letter, LEDGER_OPEN, NULL, SLICE_NULL };
	struct dlq_select s = { 0 }, other = { 0 }, again = { 0 };
	struct err e = ERR_INIT;

	CHECK(!selects(&x, (const char *const[]){ "unless=0/class=*Time*", NULL }));
	CHECK(selects(&x, (const char *const[]){ "unless=0/class=No", NULL }));
	/* one number is one selection, whose kinds must all match */
	CHECK(selects(&x, (const char *const[]){ "key=k1", "unless=1/class=*Time*",
		"unless=1/key=k2", NULL }));
	CHECK(!selects(&x, (const char *const[]){ "key=k1", "unless=0/key=k2",
		"unless=1/class=*Time*", NULL }));
	CHECK_INT(dlq_select_add(&other, "since=-5s", 10000, &e), 0);
	CHECK_INT(dlq_select_exclude(&s, &other, &e), 0);
	CHECK_STR(dlq_select_term(&s, 0), "unless=0/since=@5000");
	CHECK(dlq_select_is_all(&s));
	CHECK(!dlq_select_matches(&s, &x));
	/* what is left out of it is nothing of another's */
	CHECK_INT(dlq_select_exclude(&again, &s, &e), 0);
	CHECK(dlq_select_matches(&again, &x));
	dlq_select_release(&again);
	CHECK(!dlq_select_needs_group(&s));
	CHECK_INT(dlq_select_add(&s, "unless=1/group=abcd", 0, &e), 0);
	CHECK(dlq_select_needs_group(&s));
	dlq_select_release(&s);
	dlq_select_release(&other);
}

static void
times_are_absolute_once_read(void)
{
	struct dlq_select s = { 0 };
	struct err e = ERR_INIT;

	CHECK_INT(dlq_select_add_option(&s, "since", "-5s", 10000, &e), 0);
	CHECK_STR(dlq_select_term(&s, 0), "since=@5000");
	CHECK(!dlq_select_is_all(&s));
	dlq_select_release(&s);
}

static void
only_a_state_is_all(void)
{
	struct dlq_select s = { 0 };
	struct err e = ERR_INIT;

	CHECK(dlq_select_is_all(&s));
	CHECK_INT(dlq_select_add(&s, "state=parked", 0, &e), 0);
	CHECK(dlq_select_is_all(&s));
	CHECK_INT(dlq_select_add(&s, "0:1", 0, &e), 0);
	CHECK(!dlq_select_is_all(&s));
	dlq_select_release(&s);
}

static void
bounds_follow_the_records_named(void)
{
	struct dlq_select s = { 0 };
	struct err e = ERR_INIT;
	int64_t from = 10, to = 100;

	CHECK(dlq_select_bounds(&s, 0, &from, &to));
	CHECK_INT(from, 10);
	CHECK_INT(dlq_select_add(&s, "0:20-29", 0, &e), 0);
	CHECK_INT(dlq_select_add(&s, "0:40", 0, &e), 0);
	CHECK(dlq_select_bounds(&s, 0, &from, &to));
	CHECK_INT(from, 20);
	CHECK_INT(to, 41);
	from = 50, to = 100;
	CHECK(!dlq_select_bounds(&s, 0, &from, &to));
	from = 0, to = 100;
	CHECK(!dlq_select_bounds(&s, 1, &from, &to));
	dlq_select_release(&s);
}

static void
other_terms_are_refused(void)
{
	static const struct { const char *term, *why; } bad[] = {
		{ "", "is no record" }, { "5", "is no record" },
		{ "0:", "is no record" }, { "0:5-4", "is no record" },
		{ "a:5", "is no record" }, { "0:5x", "is no record" },
		{ "clas=X", "did you mean class=X?" }, { "x=1", "selects nothing" },
		{ "message=(", "bad regular expression" },
		{ "origin=a/b", "is no origin" }, { "since=later", "is not a time" },
		{ "state=opn", "did you mean 'open'?" }, { "key=\xff", "UTF-8" },
		{ "group=abc", "too short" }, { "unless=key=a", "excludes nothing" },
		{ "unless=0/clas=X", "did you mean class=X?" },
		{ "unless=1000/key=a", "excludes nothing" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dlq_select s = { 0 };
		struct err e = ERR_INIT;

		CHECK_INT(dlq_select_add(&s, bad[i].term, 0, &e), -1);
		CHECK_INT(e.code, ERR_USAGE);
		if (!CHECK(strstr(e.msg, bad[i].why)))
			printf("# '%s': %s\n", bad[i].term, e.msg);
		dlq_select_release(&s);
	}
}

int
main(void)
{
	RUN(one_term_selects_or_not);
	RUN(alternatives_within_a_kind_all_kinds_together);
	RUN(what_another_matches_can_be_left_out);
	RUN(times_are_absolute_once_read);
	RUN(only_a_state_is_all);
	RUN(bounds_follow_the_records_named);
	RUN(other_terms_are_refused);
	return tap_done();
}
