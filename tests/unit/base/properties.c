/* properties: the forms that java.util.Properties accepts. */
#include "tap.h"

#include "base/properties.h"

/* "line:key=value;" for each pair. */
static const char *
all(const char *text)
{
	static struct buf out;
	struct properties p;
	const char *key, *value;

	buf_clear(&out);
	properties_init(&p, slice_str(text));
	while (properties_next(&p, &key, &value))
		buf_addf(&out, "%d:%s=%s;", p.line, key, value);
	properties_release(&p);
	return buf_cstr(&out);
}

static void
separators(void)
{
	CHECK_STR(all("a=1\nb: 2\nc 3\n d = 4 \ne"),
		"1:a=1;2:b=2;3:c=3;4:d=4 ;5:e=;");
	CHECK_STR(all("a==b\nc:=d"), "1:a==b;2:c==d;");
	CHECK_STR(all("a\r\nb=\rc=1"), "1:a=;2:b=;3:c=1;");
}

static void
comments_and_blanks(void)
{
	CHECK_STR(all(""), "");
	CHECK_STR(all("\n  \n# x=1\n ! y=2\nz=3 # not a comment"),
		"5:z=3 # not a comment;");
}

static void
continuations(void)
{
	CHECK_STR(all("a=1,\\\n   2,\\\n3\nb=4"), "1:a=1,2,3;4:b=4;");
	CHECK_STR(all("a=x\\\\\nb=y"), "1:a=x\\;2:b=y;");
	CHECK_STR(all("a=1\\"), "1:a=1;");
	CHECK_STR(all("# c\\\nb=y"), "2:b=y;");
}

static void
escapes(void)
{
	CHECK_STR(all("a\\ b\\=c\\:d=\\t\\u00e9\\q\\n"),
		"1:a b=c:d=\t\xc3\xa9q\n;");
	CHECK_STR(all("a=\\u12"), "1:a=u12;");
	CHECK_STR(all("a=\\ud800"), "1:a=ud800;");
}

int
main(void)
{
	RUN(separators);
	RUN(comments_and_blanks);
	RUN(continuations);
	RUN(escapes);
	return tap_done();
}
