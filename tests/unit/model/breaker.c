/* More than P % of the last N. */
#include "model/breaker.h"

#include "tap.h"

static struct breaker
made(const char *text)
{
	struct err e = ERR_INIT;
	struct breaker b;

	CHECK(!breaker_parse(&b, slice_str(text), &e));
	return b;
}

static void
trips_above_the_share_of_a_full_window(void)
{
	struct breaker b = made("50%/4");

	for (int i = 0; i < 3; i++)
		breaker_add(&b, true);
	CHECK(!breaker_tripped(&b)); /* 3 were seen, not 4 */
	breaker_add(&b, false);
	CHECK(breaker_tripped(&b));
	breaker_add(&b, false); /* the first failure leaves the window */
	CHECK(!breaker_tripped(&b));
	breaker_add(&b, false);
	CHECK_INT(b.failed, 1);
	breaker_release(&b);
}

static void
all_of_them_is_not_more_than_all(void)
{
	struct breaker b = made("100%/2");

	breaker_add(&b, true);
	breaker_add(&b, true);
	CHECK(!breaker_tripped(&b));
	breaker_release(&b);
}

static void
none_never_trips(void)
{
	struct breaker b = made("none");

	for (int i = 0; i < 1000; i++)
		breaker_add(&b, true);
	CHECK(!breaker_tripped(&b));
	breaker_release(&b);
}

static void
other_texts_are_refused(void)
{
	static const char *const bad[] = { "", "50", "50%", "50/200", "0%/1",
		"101%/1", "50%/0", "50%/x", "%/1", "50%/200 ", "50%/2000000" };
	struct breaker b;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(breaker_parse(&b, slice_str(bad[i]), &e) && e.code == ERR_USAGE);
}

int
main(void)
{
	RUN(trips_above_the_share_of_a_full_window);
	RUN(all_of_them_is_not_more_than_all);
	RUN(none_never_trips);
	RUN(other_texts_are_refused);
	return tap_done();
}
