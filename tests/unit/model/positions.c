/* What a pipeline's end may commit, from the src of its lines. */
#include "model/positions.h"

#include "tap.h"

static struct src
at(const char *topic, int32_t partition, int64_t offset)
{
	return (struct src){ slice_str(topic), partition, offset };
}

static enum position_take
take(struct positions *p, const char *topic, int32_t partition, int64_t offset)
{
	struct src s = at(topic, partition, offset);
	enum position_take is = positions_look(p, &s);

	if (is == POSITION_NEW)
		positions_take(p, &s);
	return is;
}

static void
lines_in_order_move_on_and_may_be_missing(void)
{
	struct positions p = { 0 };

	CHECK(!positions_due(&p));
	CHECK_INT(take(&p, "t", 0, 5), POSITION_NEW);
	CHECK_INT(take(&p, "t", 0, 9), POSITION_NEW);
	CHECK_INT(take(&p, "t", 1, 0), POSITION_NEW);
	CHECK_INT(p.n, 2);
	CHECK_INT(p.items[0]->next, 10);
	CHECK_INT(p.items[1]->next, 1);
	CHECK(positions_due(&p));
	positions_committed(&p);
	CHECK(!positions_due(&p));
	positions_release(&p);
}

static void
one_record_may_be_several_lines_in_a_row(void)
{
	struct positions p = { 0 };

	CHECK_INT(take(&p, "t", 0, 5), POSITION_NEW);
	CHECK_INT(take(&p, "t", 0, 5), POSITION_SAME);
	CHECK_INT(take(&p, "t", 1, 7), POSITION_NEW);
	CHECK_INT(take(&p, "t", 0, 5), POSITION_BACK);
	positions_release(&p);
}

static void
a_line_behind_a_later_one_is_out_of_order(void)
{
	struct positions p = { 0 };

	CHECK_INT(take(&p, "t", 0, 5), POSITION_NEW);
	CHECK_INT(take(&p, "t", 0, 4), POSITION_BACK);
	CHECK_INT(take(&p, "u", 0, 4), POSITION_NEW);
	CHECK_INT(take(&p, "t", 10, 4), POSITION_NEW);
	CHECK_INT(take(&p, "t", 1, 4), POSITION_NEW);
	positions_release(&p);
}

static void
what_was_committed_before_is_passed_over(void)
{
	struct positions p = { 0 };

	positions_start(&p, slice_str("t"), 0, 10);
	CHECK(!positions_due(&p));
	CHECK(positions_knows(&p, slice_str("t"), 0));
	CHECK(!positions_knows(&p, slice_str("t"), 1));
	CHECK_INT(take(&p, "t", 0, 8), POSITION_DONE);
	CHECK_INT(take(&p, "t", 0, 9), POSITION_DONE);
	CHECK(!positions_due(&p));
	CHECK_INT(take(&p, "t", 0, 10), POSITION_NEW);
	CHECK_INT(take(&p, "t", 0, 9), POSITION_BACK);
	CHECK_INT(p.items[0]->next, 11);
	positions_release(&p);
}

static void
a_barrier_passes_what_no_line_came_of(void)
{
	struct positions p = { 0 };
	struct src s = at("t", 0, 20);

	positions_start(&p, slice_str("t"), 0, 10);
	CHECK_INT(take(&p, "t", 0, 12), POSITION_NEW);
	positions_pass(&p, &s);
	CHECK_INT(p.items[0]->next, 20);
	s.offset = 15; /* an older one */
	positions_pass(&p, &s);
	CHECK_INT(p.items[0]->next, 20);
	CHECK_INT(take(&p, "t", 0, 19), POSITION_BACK);
	CHECK_INT(take(&p, "t", 0, 20), POSITION_NEW);
	s = at("u", 0, 0); /* an empty partition moves nothing */
	positions_pass(&p, &s);
	positions_committed(&p);
	CHECK_INT(p.items[0]->committed, 21);
	positions_release(&p);
}

int
main(void)
{
	RUN(a_barrier_passes_what_no_line_came_of);
	RUN(lines_in_order_move_on_and_may_be_missing);
	RUN(one_record_may_be_several_lines_in_a_row);
	RUN(a_line_behind_a_later_one_is_out_of_order);
	RUN(what_was_committed_before_is_passed_over);
	return tap_done();
}
