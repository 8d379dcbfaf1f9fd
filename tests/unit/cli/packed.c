/* Packed files and digests: what was written is read, damage is found. */
#include "cli/packed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/digest.h"
#include "tap.h"

static char folder[256], path[300];

/* LINES lines, some longer than a block. */
static void
write_file(int lines)
{
	struct packed_writer *w;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	unlink(path);
	CHECK_INT(packed_create(&w, path, &e), 0);
	for (int i = 0; i < lines; i++) {
		buf_clear(&b);
		buf_addf(&b, "%0*d\n", i % 10 == 9 ? 300000 : 20, i);
		CHECK_INT(packed_write(w, buf_slice(&b), &e), 0);
	}
	CHECK(access(path, F_OK) != 0); /* not before it is complete */
	CHECK_INT(packed_finish(w, &e), 0);
	buf_release(&b);
}

/* Lines up to the end, or -1 - lines up to an error: the checksum comes last. */
static int
read_file(bool intact, struct err *e)
{
	struct packed_reader *r;
	struct slice line;
	int64_t number;
	int n = 0, got;

	if (packed_open(&r, path, e))
		return -1;
	while ((got = packed_next(r, &line, e)) > 0) {
		if (!intact)
			continue;
		CHECK_INT(line.len, n % 10 == 9 ? 300000 : 20);
		CHECK_INT(num_int(slice_make((const char *)line.data + line.len - 10,
			10), 0, INT64_MAX, &number, e), 0);
		CHECK_INT(number, n);
		n++;
	}
	packed_close(r);
	return got < 0 ? -1 - n : n;
}

static void
what_was_written_is_read(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	write_file(0);
	CHECK_INT(read_file(true, &e), 0);
	write_file(123);
	CHECK_INT(read_file(true, &e), 123);
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
}

static void
damage_is_found(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	int fd;

	write_file(50);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(truncate(path, st.st_size - 1), 0);
	CHECK(read_file(false, &e) < 0);
	CHECK_INT(e.code, ERR_CORRUPT);
	CHECK_INT(truncate(path, st.st_size / 2), 0);
	CHECK(read_file(false, &e) < 0);
	write_file(50);
	fd = open(path, O_WRONLY);
	CHECK_INT(pwrite(fd, "\377\377\377", 3, st.st_size / 2), 3);
	close(fd);
	CHECK(read_file(false, &e) < 0);
	CHECK_INT(e.code, ERR_CORRUPT);
	unlink(path);
	CHECK_INT(read_file(false, &e), -1);
	CHECK_INT(e.code, ERR_IO);
}

static void
one_that_is_abandoned_leaves_nothing(void)
{
	struct packed_writer *w;
	struct err e = ERR_INIT;
	char part[sizeof(path) + 5];

	snprintf(part, sizeof(part), "%s.part", path);
	CHECK_INT(packed_create(&w, path, &e), 0);
	CHECK(!access(part, F_OK));
	packed_abandon(w);
	packed_abandon(NULL);
	CHECK(access(part, F_OK) != 0);
	CHECK(access(path, F_OK) != 0);
}

/* The examples of FIPS 180-2. */
static void
digests_are_sha256(void)
{
	char hex[DIGEST_TEXT];
	long long size;
	struct err e;
	int fd;

	digest_of(slice_str("abc"), hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_of(slice_str(""), hex);
	CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK_INT(write(fd, "abc", 3), 3);
	close(fd);
	CHECK_INT(digest_file(path, hex, &size, &e), 0);
	CHECK_INT(size, 3);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	unlink(path);
	CHECK_INT(digest_file(path, hex, &size, &e), -1);
	CHECK_INT(e.code, ERR_IO);
}

int
main(void)
{
	if (!tap_folder(folder, sizeof(folder)))
		return 1;
	snprintf(path, sizeof(path), "%s/lines.zst", folder);
	RUN(what_was_written_is_read);
	RUN(damage_is_found);
	RUN(one_that_is_abandoned_leaves_nothing);
	RUN(digests_are_sha256);
	rmdir(folder);
	return tap_done();
}
