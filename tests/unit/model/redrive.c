/* Where a dead letter goes back to. */
#include "model/redrive.h"

#include "tap.h"

static void
retry_topics_are_known_by_their_names(void)
{
	static const struct {
		const char *origin, *name;
		int64_t level; /* -2 = it is none of this topic */
	} cases[] = {
		{ "orders", "orders.retry", -1 }, { "orders", "orders-retry-0", 0 },
		{ "orders", "orders_retry_5000", 5000 }, { "orders", "orders-RETRY", -1 },
		{ "orders", "orders", -2 }, { "orders", "orders.retry.x", -2 },
		{ "orders", "other.retry", -2 }, { "orders", "ordersretry", -2 },
		{ "orders", "orders-retry-", -2 }, { "orders", "xorders.retry", -2 },
		{ "orders", "orders.retry0", -2 }, { "orders", "retry", -2 },
		{ "orders-retry-1", "orders-retry-0", 0 },
		{ "a.1", "a.1.retry", -1 }, { "a.1", "a.retry", -2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t level = -3;
		bool yes = redrive_retry_level(slice_str(cases[i].origin),
			slice_str(cases[i].name), &level);

		if (!CHECK_INT(yes ? level : -2, cases[i].level))
			printf("# %s %s\n", cases[i].origin, cases[i].name);
	}
}

int
main(void)
{
	RUN(retry_topics_are_known_by_their_names);
	return tap_done();
}
