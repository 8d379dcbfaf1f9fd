/* The store as a whole: appending, committing, reading, rolling, starting again. */
#include "fixture.h"

static void
appends_commits_and_reads(void)
{
	struct fixture f;
	struct partlog *l;
	struct append_result r;
	struct wire_records rec;

	fixture_init(&f);
	l = fixture_start(&f, NULL);
	if (!CHECK(l)) {
		printf("# %s\n", f.e.msg);
		return;
	}
	r = append(l, 10, 100);
	CHECK_INT(r.error, 0);
	CHECK_INT(r.base_offset, 0);
	CHECK_INT(partlog_end(l), 10);
	CHECK_INT(partlog_high_watermark(l), 0);
	CHECK_INT(partlog_read(l, 0, partlog_high_watermark(l), 1 << 20, true, &rec), 0);
	CHECK_INT(rec.len, 0);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(partlog_high_watermark(l), 10);
	CHECK_INT(f.committed, r.commit);
	CHECK_INT(store_backlog(f.s), 0);
	CHECK_INT(verify_log(l, 10), 10);
	for (int i = 0; i < 100; i++)
		r = append(l, 7, 100);
	CHECK(fixture_wait(&f, r.commit));
	CHECK_INT(verify_log(l, 710), 710);
	CHECK_INT(partlog_read(l, 711, 711, 1, true, &rec), KERR_OFFSET_OUT_OF_RANGE);
	CHECK_INT(partlog_read(l, 710, 710, 1, true, &rec), 0);
	fixture_stop(&f);
	l = fixture_start(&f, NULL);
	if (CHECK(l)) {
		CHECK_INT(partlog_end(l), 710);
		CHECK_INT(partlog_high_watermark(l), 710);
		CHECK_INT(verify_log(l, 710), 710);
		CHECK_STR(f.reports, "");
	}
	fixture_release(&f);
}

int
main(void)
{
	RUN(appends_commits_and_reads);
	return tap_done();
}
