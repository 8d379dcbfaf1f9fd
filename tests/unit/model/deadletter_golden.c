/*
 * Dead letters as frameworks wrote them: tests/golden/deadletter/ *.jsonl, one
 * kc-record(5) line each, its member kc {"note":how it was made,
 * "expect":what deadletter_put_json() says}.
 *
 * With a file's name: prints its lines with what is said now, to look at and
 * keep.
 */
#include <glob.h>
#include <stdlib.h>

#include "model/deadletter.h"
#include "model/envelope.h"
#include "tap.h"

static struct envelope_reader reader;
static struct arena arena;

/* The text behind "expect": up to the brace that closes the member kc. */
static struct slice
expected(const struct record *r)
{
	static const char name[] = "\"expect\":";
	const char *p = slice_is_null(r->kc) ? NULL :
		memmem(r->kc.data, r->kc.len, name, sizeof(name) - 1);

	if (!p)
		return slice_str("");
	p += sizeof(name) - 1;
	return slice_make(p, r->kc.len - (size_t)(p - (const char *)r->kc.data) - 1);
}

static void
say(const struct record *r, struct buf *out)
{
	struct deadletter d;

	arena_reset(&arena);
	deadletter_read(r, &d, &arena);
	buf_clear(out);
	deadletter_put_json(out, &d);
}

static bool
check_line(const char *path, int number, struct slice line)
{
	struct buf said = BUF_INIT;
	struct record r;
	struct err e = ERR_INIT;
	bool ok;

	if (envelope_read(&reader, line, &r, &e)) {
		printf("# %s:%d: %s\n", path, number, e.msg);
		return false;
	}
	say(&r, &said);
	ok = slice_eq(buf_slice(&said), expected(&r));
	if (!ok)
		printf("# %s:%d: is %s\n#   not %.*s\n", path, number,
			buf_cstr(&said), SLICE_ARG(expected(&r)));
	buf_release(&said);
	return ok;
}

static void
print_line(struct slice line)
{
	struct buf said = BUF_INIT, out = BUF_INIT;
	struct record r;
	struct err e = ERR_INIT;
	const char *end;

	if (envelope_read(&reader, line, &r, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		exit(1);
	}
	say(&r, &said);
	end = memmem(r.kc.data, r.kc.len, ",\"expect\":", 10);
	buf_add(&out, r.kc.data, end ? (size_t)(end - (const char *)r.kc.data) : r.kc.len - 1);
	buf_addf(&out, ",\"expect\":%s}", buf_cstr(&said));
	r.kc = buf_slice(&out);
	buf_clear(&said);
	envelope_write(&said, &r, 0);
	fwrite(said.data, 1, said.len, stdout);
	buf_release(&said);
	buf_release(&out);
}

static int
each_line(const char *path, bool print)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int lines = 0, bad = 0;

	while (f && (n = getline(&line, &cap, f)) > 0) {
		struct slice s = slice_make(line, (size_t)n - (line[n - 1] == '\n'));

		lines++;
		if (print)
			print_line(s);
		else
			bad += !check_line(path, lines, s);
	}
	if (f)
		fclose(f);
	free(line);
	if (!print)
		printf("%s %d - %s: %d dead letters\n", bad || !lines ? "not ok" : "ok",
			++tap_tests, path, lines);
	tap_failures += bad || !lines;
	return lines;
}

int
main(int argc, char **argv)
{
	glob_t g;

	if (argc > 1) {
		each_line(argv[1], true);
	} else if (!glob("tests/golden/deadletter/*.jsonl", 0, NULL, &g)) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			each_line(g.gl_pathv[i], false);
		globfree(&g);
		return tap_done();
	} else {
		printf("not ok 1 - no golden files\n1..1\n");
		return 1;
	}
	envelope_reader_release(&reader);
	arena_release(&arena);
	return 0;
}
