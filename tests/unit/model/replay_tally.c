/* What is missing, twice, altered or strange; and an archive's own account. */
#include "model/replay_tally.h"

#include <stdlib.h>

#include "model/replay_archive.h"
#include "tap.h"

static char told[256];

static void
tell(void *arg, enum replay_fault fault, int32_t partition, int64_t offset)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%c%d:%d ", "MDAS"[fault],
		(int)partition, (int)offset);
}

static void
all_is_well(void)
{
	struct replay_tally t = { .on_fault = tell };

	told[0] = '\0';
	for (int i = 9; i >= 0; i--) /* in any order */
		replay_tally_found(&t, i % 2, i, (uint64_t)i);
	for (int i = 0; i < 10; i++)
		replay_tally_expect(&t, i % 2, i, (uint64_t)i);
	replay_tally_finish(&t);
	CHECK_STR(told, "");
	CHECK_INT(t.matched, 10);
	replay_tally_release(&t);
}

static void
each_fault_is_told(void)
{
	struct replay_tally t = { .on_fault = tell };

	told[0] = '\0';
	replay_tally_found(&t, 0, 1, 1);
	replay_tally_found(&t, 0, 1, 1);
	replay_tally_found(&t, 0, 2, 99);
	replay_tally_found(&t, 0, 3, 3);
	replay_tally_found(&t, 0, 5, 5);
	replay_tally_found(&t, 2, 0, 0);
	for (int i = 0; i < 4; i++)
		replay_tally_expect(&t, 0, i, (uint64_t)i);
	replay_tally_finish(&t);
	CHECK_STR(told, "M0:0 D0:1 A0:2 S0:5 S2:0 ");
	CHECK_INT(t.expected, 4);
	CHECK_INT(t.matched, 1);
	replay_tally_release(&t);
}

/* A command may make several records of one. */
static void
several_of_one_offset(void)
{
	struct replay_tally t = { .on_fault = tell };

	told[0] = '\0';
	replay_tally_found(&t, 0, 7, 20);
	replay_tally_found(&t, 0, 7, 10);
	replay_tally_found(&t, 0, 8, 1);
	replay_tally_expect(&t, 0, 7, 10);
	replay_tally_expect(&t, 0, 7, 20);
	replay_tally_expect(&t, 0, 8, 1);
	replay_tally_expect(&t, 0, 8, 2);
	replay_tally_finish(&t);
	CHECK_STR(told, "M0:8 ");
	CHECK_INT(t.matched, 2);
	replay_tally_release(&t);
}

static void
what_is_there_is_known(void)
{
	struct replay_tally t = { 0 };

	CHECK_INT(replay_tally_last(&t, 3), -1);
	replay_tally_found(&t, 3, 20, 0);
	replay_tally_found(&t, 3, 10, 0);
	CHECK(replay_tally_has(&t, 3, 10));
	CHECK(replay_tally_has(&t, 3, 20));
	CHECK(!replay_tally_has(&t, 3, 15));
	CHECK(!replay_tally_has(&t, 1, 10));
	CHECK(!replay_tally_has(&t, 9, 10));
	CHECK_INT(replay_tally_last(&t, 3), 20);
	CHECK_INT(replay_tally_last(&t, 0), -1);
	replay_tally_release(&t);
}

static void
an_archive_covers_what_it_names(void)
{
	const struct archive_part parts[] = { { 0, 5, 20 }, { 2, 0, 0 }, { 3, 1, 2 } };
	struct archive_segment s[] = {
		{ .partition = 0, .from = 5, .to = 10 },
		{ .partition = 0, .from = 10, .to = 20 },
		{ .partition = 3, .from = 1, .to = 2 },
	};

	CHECK_STR(archive_holes(s, 3, parts, 3), NULL);
	CHECK_STR(archive_holes(s, 2, parts, 3), "files are missing");
	CHECK_STR(archive_holes(s + 1, 2, parts, 3), "its files do not follow each other");
	s[1].from = 11;
	CHECK_STR(archive_holes(s, 3, parts, 3), "its files do not follow each other");
	s[1].from = 10;
	s[2].partition = 4;
	CHECK_STR(archive_holes(s, 3, parts, 3), "files are missing");
	CHECK_STR(archive_holes(s, 3, parts, 2),
		"it has files of partitions that it does not name");
}

static void
texts_are_exact(void)
{
	static char file[] = "00003-00000000000000001234.ndjson.zst";
	const struct archive_segment s = { .file = file, .partition = 3, .from = 1234,
		.to = 1300, .records = 60, .bytes = 999, .size = 77, .sha256 = "ab" };
	const struct archive_part part = { 3, 0, 1300 };
	struct buf b = BUF_INIT;

	archive_file_name(&b, 3, 1234);
	CHECK_STR(buf_cstr(&b), file);
	buf_clear(&b);
	archive_head_text(&b, "C", "t");
	CHECK_STR(buf_cstr(&b), "kc-archive/1\nC\nt\n");
	buf_clear(&b);
	archive_segment_text(&b, "00", &s);
	CHECK_STR(buf_cstr(&b), "00\n00003-00000000000000001234.ndjson.zst\t3\t1234\t"
		"1300\t60\t999\t77\tab\n");
	buf_clear(&b);
	archive_tail_text(&b, "00", &part, 1);
	CHECK_STR(buf_cstr(&b), "00\n3\t0\t1300\n");
	buf_release(&b);
}

int
main(void)
{
	RUN(all_is_well);
	RUN(each_fault_is_told);
	RUN(several_of_one_offset);
	RUN(what_is_there_is_known);
	RUN(an_archive_covers_what_it_names);
	RUN(texts_are_exact);
	return tap_done();
}
