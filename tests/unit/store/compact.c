/* Compaction: what stays and what goes, and how it is put in place. */
#include <inttypes.h>

#include "keyed.h"
#include "store/cleaner_choose.h"

/* Enough of other keys to seal the segment before. */
static void
roll(struct partlog *l, struct sender *s)
{
	char text[1000];
	size_t n = 0;

	for (int i = 0; i < 8; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%spad%d=%0100d",
			i ? " " : "", i, i);
	CHECK_INT(send_text(l, s, text).error, 0);
}

static struct partlog *
start(struct fixture *f, const struct log_config *c)
{
	struct partlog *l;

	fixture_init(f);
	keyed_options(f);
	l = fixture_start(f, c ? c : &compacted);
	if (!l)
		printf("# %s\n", f->e.msg);
	return l;
}

static void
newest_of_a_key_stays(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);

	CHECK_INT(send_text(l, &s, "a=1 b=1 a=2").error, 0);
	CHECK_INT(send_text(l, &s, "c=1").error, 0);
	CHECK_INT(send_text(l, &s, "a=3 b=2").error, 0);
	roll(l, &s);
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "3:c=1 4:a=3 5:b=2 6:pad0=", 25));
	CHECK_INT(partlog_start(l), 0);
	CHECK_INT(see_all(l)->n, 3 + 8 + 8);
	fixture_release(&f);
}

/* The header of the batch that holds the offset. */
static struct batch
header_at(struct partlog *l, int64_t offset)
{
	struct wire_records r;
	struct batch h = { .base_offset = -1 };
	struct buf b;

	if (CHECK_INT(partlog_read(l, offset, partlog_end(l), 1, true, &r), 0) &&
	    CHECK(r.len)) {
		b = range_bytes(&r);
		batch_decode(b.data, &h);
		CHECK(batch_crc_ok(b.data, &h));
		buf_release(&b);
	}
	return h;
}

static void
tombstones_get_a_horizon_and_go_behind_it(void)
{
	struct log_config c = compacted;
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l;
	struct batch h;
	int64_t asked;

	c.delete_retention_ms = 1000000;
	l = start(&f, &c);
	CHECK_INT(send_text(l, &s, "a=1 b=1").error, 0);
	CHECK_INT(send_text(l, &s, "x=1 a y=1").error, 0);
	roll(l, &s);
	roll(l, &s);
	asked = f.clock.fake_ms;
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "1:b=1 2:x=1 3:a=- 4:y=1 ", 24));
	/* Deltas are rebased: the records' timestamps stay. */
	CHECK_INT(see_all(l)->at[2].timestamp, T0 + 1);
	h = header_at(l, 3);
	CHECK(h.attributes & BATCH_DELETE_HORIZON);
	CHECK(h.base_timestamp >= asked + c.delete_retention_ms);
	CHECK(h.base_timestamp <= f.clock.fake_ms + c.delete_retention_ms);
	CHECK_INT(h.base_offset, 2);
	CHECK_INT(h.last_offset_delta, 2);
	/* Before it, another round does not touch the tombstone. */
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(strstr(text_of(l), "3:a=-"));
	CHECK_INT(header_at(l, 3).base_timestamp, h.base_timestamp);
	f.clock.fake_ms += c.delete_retention_ms;
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "1:b=1 2:x=1 4:y=1 ", 18));
	fixture_release(&f);
}

static void
the_longest_retention_of_tombstones_is_for_ever(void)
{
	struct log_config c = compacted;
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l;

	c.delete_retention_ms = INT64_MAX;
	l = start(&f, &c);
	CHECK_INT(send_text(l, &s, "a=1 a").error, 0);
	for (int i = 0; i < 2; i++) {
		roll(l, &s);
		roll(l, &s);
		CHECK(clean(&f));
		CHECK(!strncmp(text_of(l), "1:a=- ", 6));
		CHECK_INT(see_all(l)->at[0].timestamp, T0 + 1);
	}
	fixture_release(&f);
}

static void
end_txn(struct partlog *l, const struct sender *s, bool commit)
{
	struct txn_marker m = { s->pid, s->epoch, 0, commit };
	struct append_result r;

	partlog_append_marker(l, &m, &r);
	CHECK_INT(r.error, 0);
}

static void
aborted_records_go_and_then_their_marker(void)
{
	struct sender s = SENDER_INIT;
	struct sender t = { .pid = 7, .epoch = 0, .seq = 0, .ts = T0,
		.attributes = BATCH_TRANSACTIONAL };
	struct fixture f;
	struct partlog *l = start(&f, NULL);

	CHECK_INT(send_text(l, &t, "a=1 b=1").error, 0);
	end_txn(l, &t, true);                              /* 2 */
	CHECK_INT(send_text(l, &t, "a=2 c=2").error, 0);
	end_txn(l, &t, false);                             /* 5 */
	CHECK_INT(send_text(l, &t, "d=3").error, 0);
	end_txn(l, &t, true);                              /* 7 */
	roll(l, &s);
	roll(l, &s);
	CHECK(fixture_wait(&f, commit_newest(f.s)));
	f.s->checkpoint_due = true;
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "0:a=1 1:b=1 2:! ", 16));
	CHECK(!strstr(text_of(l), "=2"));
	CHECK(strstr(text_of(l), "6:d=3 7:! "));
	/* Nothing is left of it: a later round, its horizon past, drops it. */
	f.clock.fake_ms += 10000;
	roll(l, &s);
	CHECK(clean(&f));
	f.clock.fake_ms += 10000;
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "0:a=1 1:b=1 2:! 6:d=3 7:! ", 26));
	fixture_release(&f);
}

static void
an_open_transaction_holds_cleaning_back(void)
{
	struct sender s = SENDER_INIT;
	struct sender t = { .pid = 7, .epoch = 0, .seq = 0, .ts = T0,
		.attributes = BATCH_TRANSACTIONAL };
	struct fixture f;
	struct partlog *l = start(&f, NULL);

	CHECK_INT(send_text(l, &t, "a=1").error, 0);
	CHECK_INT(send_text(l, &s, "b=1 b=2").error, 0);
	roll(l, &s);
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "0:a=1 1:b=1 2:b=2 ", 18));
	end_txn(l, &t, true);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "0:a=1 2:b=2 ", 12));
	fixture_release(&f);
}

static void
the_last_batch_of_a_producer_stays(void)
{
	struct sender s = SENDER_INIT;
	struct sender p = { .pid = 9, .epoch = 2, .seq = 0, .ts = T0,
		.attributes = CODEC_LZ4 };
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	int64_t offset, timestamp;
	struct batch h;

	CHECK_INT(send_text(l, &p, "a=1 b=1").error, 0);
	p.ts = T0 + 1000;
	CHECK_INT(send_text(l, &p, "a=2 b=2 a=3").error, 0);
	CHECK_INT(send_text(l, &s, "a=4 b=4").error, 0);
	roll(l, &s);
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "5:a=4 6:b=4 ", 12));
	h = header_at(l, 0);
	CHECK_INT(h.base_offset, 2);
	CHECK_INT(h.last_offset_delta, 2);
	CHECK_INT(h.count, 0);
	CHECK_INT(h.size, BATCH_HEADER);
	CHECK_INT(h.producer_id, 9);
	CHECK_INT(h.producer_epoch, 2);
	CHECK_INT(h.base_sequence, 2);
	CHECK_INT(h.attributes, 0);
	/* It keeps its timestamp, too, which is that of no record. */
	CHECK_INT(partlog_offset_of_max_time(l, partlog_end(l), &offset, &timestamp), 0);
	CHECK_INT(timestamp, T0 + 7);
	CHECK_INT(partlog_offset_of_time(l, T0 + 8, partlog_end(l), &offset,
		&timestamp), 0);
	CHECK_INT(offset, -1);
	fixture_release(&f);
}

static void
codecs_survive(void)
{
	for (int codec = CODEC_GZIP; codec <= CODEC_ZSTD; codec++) {
		struct sender s = SENDER_INIT, p = SENDER_INIT;
		struct fixture f;
		struct partlog *l = start(&f, NULL);
		struct batch h;

		p.attributes = codec;
		CHECK_INT(send_text(l, &p, "a=1 b=1 c=1 a=2").error, 0);
		CHECK_INT(send_text(l, &s, "b=3").error, 0);
		roll(l, &s);
		roll(l, &s);
		CHECK(clean(&f));
		CHECK(!strncmp(text_of(l), "2:c=1 3:a=2 4:b=3 ", 18));
		h = header_at(l, 0);
		CHECK_INT(h.attributes & BATCH_CODEC_MASK, codec);
		CHECK_INT(h.base_offset, 0);
		CHECK_INT(h.last_offset_delta, 3);
		CHECK_INT(h.count, 2);
		fixture_release(&f);
	}
}

static void
small_segments_are_merged_and_gaps_are_read_over(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	struct wire_records r;

	for (int i = 0; i < 10; i++)
		roll(l, &s);
	CHECK(clean(&f));
	/* One round empties them, the next puts the empty ones together. */
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(l->segments_n <= 4);
	CHECK_INT(l->segments[0]->base, 0);
	CHECK_INT(see_all(l)->n, 16);
	for (int64_t offset = 0; offset < partlog_end(l); offset++)
		CHECK(!partlog_read(l, offset, partlog_end(l), 1 << 20, false, &r) &&
			r.len);
	fixture_release(&f);
}

/* A reader that had the old file goes on with it. */
static void
readers_keep_the_old_segment(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	struct wire_records r;
	struct batch h;
	struct buf b;

	CHECK_INT(send_text(l, &s, "a=1").error, 0);
	CHECK_INT(send_text(l, &s, "a=2").error, 0);
	roll(l, &s);
	roll(l, &s);
	CHECK(fixture_wait(&f, commit_newest(f.s)));
	CHECK_INT(partlog_read(l, 0, partlog_end(l), 1 << 20, true, &r), 0);
	r.file->refs++;
	CHECK(clean(&f));
	CHECK(!strncmp(text_of(l), "1:a=2 ", 6));
	b = range_bytes(&r);
	batch_decode(b.data, &h);
	CHECK(batch_crc_ok(b.data, &h) && !h.base_offset);
	buf_release(&b);
	if (!--r.file->refs)
		r.file->release(r.file);
	fixture_release(&f);
}

static void
the_file_of_offsets_is_kafkas_and_is_read_again(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	char path[300], text[100] = "", want[100];
	int64_t end;
	FILE *file;

	CHECK_INT(send_text(l, &s, "a=1 a=2").error, 0);
	roll(l, &s);
	roll(l, &s);
	CHECK(clean(&f));
	end = l->cleaned;
	CHECK(end > 2 && end < partlog_end(l));
	snprintf(path, sizeof(path), "%s/" CLEAN_OFFSETS, f.dir);
	file = fopen(path, "r");
	if (CHECK(file)) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	snprintf(want, sizeof(want), "0\n1\nt 0 %d\n", (int)end);
	CHECK_STR(text, want);
	fixture_stop(&f);
	l = fixture_start(&f, &compacted);
	CHECK(l && l->cleaned == end);
	CHECK(clean(&f));
	CHECK_INT(cleaner_rounds(f.s->cleaner), 0);
	fixture_release(&f);
}

/* More keys than the map holds: several rounds. */
static void
a_small_map_takes_several_rounds(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l;
	char text[2000];

	fixture_init(&f);
	keyed_options(&f);
	f.o.cleaner_buffer = 50 << 10; /* 1024 slots and no more */
	l = fixture_start(&f, &compacted);
	for (int i = 0; i < 400; i++) {
		size_t n = 0;

		for (int k = 0; k < 10; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%sk%d=v%d",
				k ? " " : "", (i * 10 + k) % 2000, i);
		CHECK_INT(send_text(l, &s, text).error, 0);
	}
	roll(l, &s);
	roll(l, &s);
	CHECK(clean(&f));
	CHECK(cleaner_rounds(f.s->cleaner) > 1);
	CHECK_INT(see_all(l)->n, 2000 + 16);
	fixture_release(&f);
}

static void
a_topic_can_go_while_it_is_cleaned(void)
{
	for (int turns = 0; turns < 12; turns++) {
		struct sender s = SENDER_INIT;
		struct fixture f;
		struct partlog *l = start(&f, NULL), *again;

		for (int i = 0; i < 5; i++)
			roll(l, &s);
		CHECK(fixture_wait(&f, commit_newest(f.s)));
		f.s->checkpoint_due = true;
		store_tick(f.s);
		for (int i = 0; i < 500 && !f.s->checkpoints_done; i++)
			turn(&f);
		store_tick(f.s);
		for (int i = 0; i < turns; i++)
			store_poll(f.s);
		store_detach(f.s, l);
		again = fixture_attach(&f, "t", 2, 0, &compacted);
		CHECK_INT(send_text(again, &s, "a=1").error, 0);
		CHECK(clean(&f));
		CHECK_STR(text_of(again), "0:a=1");
		fixture_release(&f);
	}
}

static void
damage_is_reported_and_left_alone(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	char path[300];
	int fd;

	CHECK_INT(send_text(l, &s, "a=1 a=2").error, 0);
	roll(l, &s);
	roll(l, &s);
	snprintf(path, sizeof(path), "%s/t-0/%020d.log", f.dir, 0);
	fd = open(path, O_RDWR);
	CHECK(pwrite(fd, "!", 1, 65) == 1);
	close(fd);
	CHECK(clean(&f));
	CHECK(l->uncleanable);
	CHECK(strstr(f.reports, "! compaction of 't-0' stopped: "));
	CHECK(strstr(f.reports, "is damaged at byte 0"));
	fixture_release(&f);
}

/* --repair reads every segment: gaps are no damage, and empty ones no end. */
static void
repair_reads_over_gaps(void)
{
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	char before[8192], path[300];
	int64_t end;

	for (int i = 0; i < 6; i++)
		roll(l, &s);
	CHECK(clean(&f));
	CHECK(!l->segments[0]->size);
	snprintf(before, sizeof(before), "%s", text_of(l));
	end = partlog_end(l);
	fixture_stop(&f);
	snprintf(path, sizeof(path), "%s/checkpoint", f.dir);
	CHECK(!unlink(path));
	snprintf(path, sizeof(path), "%s/clean", f.dir);
	CHECK(!unlink(path));
	f.o.repair = true;
	l = fixture_start(&f, &compacted);
	if (CHECK(l)) {
		CHECK_INT(partlog_end(l), end);
		CHECK_STR(text_of(l), before);
	}
	fixture_release(&f);
}

/* At least as long as the bytes are worth; how much longer is the machine's. */
static void
the_cleaner_keeps_to_its_rate(void)
{
	enum { RATE = 60000 }; /* bytes a second */
	struct sender s = SENDER_INIT;
	struct fixture f;
	struct partlog *l;
	int64_t began;

	fixture_init(&f);
	keyed_options(&f);
	f.o.cleaner_bytes_per_second = RATE;
	if (!CHECK(l = fixture_start(&f, &compacted)))
		return;
	for (int i = 0; i < 20; i++)
		roll(l, &s);
	began = clock_mono_ms(clock_system());
	CHECK(clean(&f));
	CHECK(strstr(f.reports, "compacted 't-0'"));
	/* Nineteen segments of more than 900 bytes are read at least. */
	CHECK((clock_mono_ms(clock_system()) - began) * RATE / 1000 >= 19 * 900);
	fixture_release(&f);
}

/* Flips a bit of the first batch; the checkpoint goes, or nobody would look. */
static void
damage(struct fixture *f, int64_t base)
{
	char path[300], byte;
	int fd;

	snprintf(path, sizeof(path), "%s/t-0/%020" PRId64 ".log", f->dir, base);
	fd = open(path, O_RDWR);
	CHECK(pread(fd, &byte, 1, 70) == 1);
	byte ^= 1;
	CHECK(pwrite(fd, &byte, 1, 70) == 1);
	close(fd);
	snprintf(path, sizeof(path), "%s/checkpoint", f->dir);
	CHECK(!unlink(path));
	snprintf(path, sizeof(path), "%s/clean", f->dir);
	CHECK(!unlink(path));
}

/* How many there are of a key; offsets rise. */
static int
count_key(struct partlog *l, const char *key, const char **value)
{
	struct seen_list *x = see_all(l);
	int64_t last = -1;
	int n = 0;

	for (int i = 0; i < x->n; i++) {
		CHECK(x->at[i].offset > last);
		last = x->at[i].offset;
		if (!strcmp(x->at[i].key, key)) {
			*value = x->at[i].value;
			n++;
		}
	}
	CHECK(partlog_end(l) > last);
	return n;
}

/*
 * What is in front of the damage stays, with its gaps; what is behind it
 * comes from the WAL, as far as that has it; and the log goes on.
 */
static void
check_repair(bool has_wal)
{
	struct sender s = SENDER_INIT;
	const char *value = NULL;
	struct fixture f;
	struct partlog *l = start(&f, NULL);
	char text[300];
	int64_t base = -1;

	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "a=%d once%d=%0120d", i, i, i);
		CHECK_INT(send_text(l, &s, text).error, 0);
		roll(l, &s);
	}
	CHECK(clean(&f));
	for (int i = 0; i < l->segments_n && i < 5; i++)
		if (l->segments[i]->size)
			base = l->segments[i]->base;
	CHECK_INT(base, 20);
	fixture_stop(&f);
	damage(&f, base);
	CHECK(!fixture_start(&f, &compacted));
	CHECK(strstr(f.e.msg, "--repair"));
	if (!has_wal) {
		snprintf(text, sizeof(text), "%s/wal", f.dir);
		nftw(text, fixture_rm, 4, FTW_DEPTH | FTW_PHYS);
	}
	f.o.repair = true;
	if (CHECK(l = fixture_start(&f, &compacted))) {
		CHECK(strstr(f.reports, "cut '") && strstr(f.reports, "(offset 20)"));
		CHECK_INT(count_key(l, "once0", &value), 1);
		CHECK_INT(count_key(l, "once7", &value), has_wal);
		CHECK_INT(partlog_end(l), has_wal ? 80 : 20);
		CHECK_INT(send_text(l, &s, "a=new").error, 0);
		for (int i = 0; i < 3; i++)
			roll(l, &s);
		CHECK(clean(&f));
	}
	f.o.repair = false;
	fixture_stop(&f);
	if (CHECK(l = fixture_start(&f, &compacted))) {
		CHECK_INT(count_key(l, "a", &value), 1);
		CHECK_STR(value, "new");
	}
	fixture_release(&f);
}

static void
repair_cuts_a_compacted_log_where_the_damage_is(void)
{
	check_repair(true);
	check_repair(false);
}

int
main(void)
{
	RUN(newest_of_a_key_stays);
	RUN(tombstones_get_a_horizon_and_go_behind_it);
	RUN(the_longest_retention_of_tombstones_is_for_ever);
	RUN(aborted_records_go_and_then_their_marker);
	RUN(an_open_transaction_holds_cleaning_back);
	RUN(the_last_batch_of_a_producer_stays);
	RUN(codecs_survive);
	RUN(small_segments_are_merged_and_gaps_are_read_over);
	RUN(readers_keep_the_old_segment);
	RUN(the_file_of_offsets_is_kafkas_and_is_read_again);
	RUN(a_small_map_takes_several_rounds);
	RUN(the_cleaner_keeps_to_its_rate);
	RUN(a_topic_can_go_while_it_is_cleaned);
	RUN(damage_is_reported_and_left_alone);
	RUN(repair_reads_over_gaps);
	RUN(repair_cuts_a_compacted_log_where_the_damage_is);
	return tap_done();
}
