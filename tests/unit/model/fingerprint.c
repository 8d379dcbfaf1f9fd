/* Groups of dead letters: stack traces as their programs printed them, and the mask. */
#include "model/fingerprint.h"

#include "model/stack.h"
#include "tap.h"

static struct arena arena;

static bool
is(struct slice s, const char *text)
{
	if (slice_eq_str(s, text))
		return true;
	printf("# is '%.*s'\n", SLICE_ARG(s));
	return false;
}

static bool
reads(const char *text, const char *class, const char *message, const char *frame)
{
	struct stack s;
	bool good;

	stack_read(slice_str(text), &s, &arena);
	/* All three are said, when one is wrong. */
	good = is(s.class, class);
	good = is(s.message, message) && good;
	return is(s.frame, frame) && good;
}

/* ---- stack traces: printed by Java 17, Python 3.11, Node 20, Go 1.2x ------------- */

#define JAVA_TOP \
	"java.lang.RuntimeException: Listener failed; nested\n" \
	"\tat com.shop.T.main(T.java:6)\n" \
	"\tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)\n" \
	"\tat java.base/java.lang.reflect.Method.invoke(Method.java:569)\n" \
	"\tSuppressed: java.lang.Error: suppressed\n" \
	"\t\tat com.other.Close.close(Close.java:1)\n" \
	"\t\t... 8 more\n" \
	"\tCaused by: java.lang.Error: inner\n" \
	"\t\t... 8 more\n" \
	"Caused by: java.lang.IllegalStateException: order 7 cannot be charged\n" \
	"\tat com.shop.T.charge(T.java:3)\n" \
	"\tat com.shop.T.lambda$main$0(T.java:5)\n" \
	"\t... 8 more\n"

static void
java(void)
{
	CHECK(reads(JAVA_TOP, "java.lang.IllegalStateException",
		"order 7 cannot be charged", "com.shop.T.charge"));
	/* The root's own frames are Java's: those it has in common are the application's. */
	CHECK(reads(JAVA_TOP
		"Caused by: java.lang.NumberFormatException: For input string: \"x7\"\n"
		"\tat java.base/java.lang.NumberFormatException.forInputString(NumberFormatException.java:67)\n"
		"\tat java.base/java.lang.Integer.parseInt(Integer.java:668)\n"
		"\t... 10 more\n",
		"java.lang.NumberFormatException", "For input string: \"x7\"",
		"com.shop.T.charge"));
	CHECK(reads("com.shop.Bad\n\tat org.springframework.kafka.X.y(X.java:1)\n",
		"com.shop.Bad", NULL, "org.springframework.kafka.X.y"));
	CHECK(reads("com.shop.Bad: a: b\r\n\tat app//com.shop.Svc$$SpringCGLIB$$0.run(<generated>)\r\n",
		"com.shop.Bad", "a: b", "com.shop.Svc.run"));
	/* Jackson's messages have a line like a frame. */
	CHECK(reads("a.JsonParseException: Unexpected character\n at [Source: REDACTED (`X`); line: 1]\n"
		"\tat com.shop.Json.read(Json.java:5)\n", "a.JsonParseException",
		"Unexpected character", "com.shop.Json.read"));
	CHECK(reads("com.shop.Bad: x\n\tat com.shop.T.lambda$main$12(T.java:5)\n",
		"com.shop.Bad", "x", "com.shop.T.lambda$main"));
}

static void
python(void)
{
	CHECK(reads("Traceback (most recent call last):\n"
		"  File \"/srv/app/shop/billing.py\", line 4, in charge\n"
		"    try: parse(s)\n"
		"         ^^^^^^^^\n"
		"  File \"/srv/app/shop/billing.py\", line 2, in parse\n"
		"    def parse(s): return json.loads(s)\n"
		"  File \"/usr/lib/python3.11/json/decoder.py\", line 353, in raw_decode\n"
		"    obj, end = self.scan_once(s, idx)\n"
		"json.decoder.JSONDecodeError: Expecting property name: line 1 column 2 (char 1)\n"
		"\nThe above exception was the direct cause of the following exception:\n\n"
		"Traceback (most recent call last):\n"
		"  File \"/srv/app/run.py\", line 2, in <module>\n"
		"    try: shop.billing.charge(\"{x\")\n"
		"RuntimeError: order 7 cannot be charged\n",
		"json.decoder.JSONDecodeError", "Expecting property name: line 1 column 2 (char 1)",
		"shop/billing.py parse"));
	CHECK(reads("Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n"
		"    assert False\nAssertionError\n", "AssertionError", NULL, "x.py <module>"));
}

static void
node(void)
{
	CHECK(reads("Error: order 7 cannot be charged\n"
		"    at Billing.charge (/srv/src/billing.js:1:69)\n"
		"    at async handle (file:///srv/src/billing.js:2:54) {\n"
		"  [cause]: SyntaxError: Expected property name or '}' in JSON at position 1\n"
		"      at JSON.parse (<anonymous>)\n"
		"      at Parser.read (/srv/node_modules/p/index.js:7:1)\n"
		"      at Object.parse [as go] (/srv/src/parse.js:1:40)\n"
		"      at handle (/srv/src/billing.js:2:54)\n}\n",
		"SyntaxError", "Expected property name or '}' in JSON at position 1",
		"src/parse.js parse"));
	CHECK(reads("TypeError: x is not a function\n    at file:///srv/src/main.mjs:3:1\n"
		"    at node:internal/main/run_main_module:23:47\n",
		"TypeError", "x is not a function", "src/main.mjs"));
}

static void
go(void)
{
	CHECK(reads("goroutine 1 [running]:\n"
		"runtime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e\n"
		"main.handle.func1()\n\t/src/main.go:20 +0x2b\n"
		"panic({0x4b2cc0?, 0x108a16808080?})\n\t/usr/local/go/src/runtime/panic.go:860 +0x13a\n"
		"main.(*Billing).Charge(0x101018a06d8f108?, {0x4c8be4, 0x2}, {0x70?, 0x58c200?})\n"
		"\t/src/main.go:13 +0xb8\nmain.main()\n\t/src/main.go:26 +0x1f\n",
		NULL, NULL, "main.(*Billing).Charge"));
	CHECK(reads("panic: order q cannot be charged\n\ngoroutine 6 [running]:\n"
		"encoding/json.Unmarshal({0x0, 0x1})\n\t/usr/local/go/src/encoding/json/decode.go:1 +0x1\n"
		"github.com/acme/shop/billing.(*Svc).Charge(0x0?)\n\t/src/billing/svc.go:13 +0xb8\n"
		"created by main.main in goroutine 1\n\t/src/main.go:26 +0x65\n",
		"panic", "order q cannot be charged", "github.com/acme/shop/billing.(*Svc).Charge"));
	/* pkg/errors, %+v */
	CHECK(reads("no customer\nexample.com/shop/billing.Charge\n\t/src/billing.go:9\n"
		"main.main\n\t/src/main.go:2\n", NULL, NULL, "example.com/shop/billing.Charge"));
}

static void
what_is_no_trace_says_little(void)
{
	CHECK(reads("it did not work", NULL, NULL, NULL));
	CHECK(reads("", NULL, NULL, NULL));
	CHECK(reads("\n\n\tat \nCaused by: \n", NULL, NULL, NULL));
	CHECK(reads("\xff\xfe: x\n", "\xff\xfe", "x", NULL));
}

/* ---- the mask ------------------------------------------------------------------ */

static bool
masks(const char *message, const char *want)
{
	struct buf b = BUF_INIT;
	bool ok;

	fingerprint_mask(&b, slice_str(message));
	ok = tap_str(buf_cstr(&b), want, message, __FILE__, __LINE__);
	buf_release(&b);
	return ok;
}

static void
what_differs_is_masked(void)
{
	masks("order 7 of 12.50 EUR", "order <n> of <n> EUR");
	masks("user 3f1c0a9e-53de-4d6f-9b43-0d3c6a1f0001 is gone", "user <uuid> is gone");
	masks("at 0x7ffd10 or deadbeef01", "at <hex> or <hex>");
	masks("com.shop.Order@1b2c3d has no 'name' and no \"age\"",
		"com.shop.Order@<hex> has no <str> and no <str>");
	masks("can't parse: it's late", "can't parse: it's late");
	masks("Cannot deserialize `int` from \"a'b\"", "Cannot deserialize <str> from <str>");
	masks("2026-11-28T10:00:00.123Z", "<n>-<n>-<n>T<n>:<n>:<n>Z");
	masks("first line 1\nsecond", "first line <n>");
	masks("facade, decade and beef", "facade, decade and beef");
	masks("an unclosed \"quote", "an unclosed \"quote");
	masks("", "");
}

static void
a_long_message_is_cut(void)
{
	char text[400];
	struct buf b = BUF_INIT;

	memset(text, 'x', sizeof(text));
	fingerprint_mask(&b, slice_make(text, sizeof(text)));
	CHECK_INT(b.len, 200);
	buf_release(&b);
}

/* ---- groups -------------------------------------------------------------------- */

static struct fingerprint
group(enum deadletter_scheme scheme, const char *class, const char *message, const char *stack)
{
	struct deadletter d = { .scheme = scheme };
	struct fingerprint f;

	d.error.class = slice_str(class);
	d.error.message = slice_str(message);
	d.error.stack = slice_str(stack);
	fingerprint_make(&d, &f, &arena);
	return f;
}

static void
one_cause_one_group(void)
{
	struct fingerprint a = group(DEADLETTER_SPRING, "x.Wrapper", "Listener failed",
		"x.Wrapper: Listener failed\n\tat a.B.c(B.java:1)\n"
		"Caused by: y.Root: order 7\n\tat a.B.d(B.java:10)\n");
	struct fingerprint b = group(DEADLETTER_SPRING, "x.Wrapper", "Listener failed",
		"x.Wrapper: Listener failed\n\tat a.B.c(B.java:2)\n"
		"Caused by: y.Root: order 1234\n\tat a.B.d(B.java:11)\n");

	CHECK_STR(a.id, b.id);
	CHECK(is(a.class, "y.Root") && is(a.message, "order <n>") && is(a.frame, "a.B.d"));
	b = group(DEADLETTER_CONNECT, "x.Wrapper", "Listener failed",
		"x.Wrapper: Listener failed\n\tat a.B.c(B.java:1)\n"
		"Caused by: y.Root: order 7\n\tat a.B.d(B.java:10)\n");
	CHECK(strcmp(a.id, b.id) != 0);
	b = group(DEADLETTER_SPRING, "y.Root", "order 7", NULL);
	CHECK(strcmp(a.id, b.id) != 0);
}

/* Ledgers and notes keep these: they must not change between versions. */
static void
an_id_is_for_ever(void)
{
	struct fingerprint f = group(DEADLETTER_KC, "ValueError", "no customer 7", NULL);

	CHECK_STR(f.id, "66d3cb2c5ae2");
	CHECK(fingerprint_matches(&f, f.id));
	f.id[6] = 0;
	CHECK(fingerprint_matches(&f, f.id));
	CHECK(!fingerprint_matches(&f, "abc"));
	CHECK(!fingerprint_matches(&f, ""));
	f = group(DEADLETTER_NONE, NULL, NULL, NULL);
	CHECK(slice_is_null(f.class) && slice_is_null(f.message) && slice_is_null(f.frame));
}

int
main(void)
{
	RUN(java);
	RUN(python);
	RUN(node);
	RUN(go);
	RUN(what_is_no_trace_says_little);
	RUN(what_differs_is_masked);
	RUN(a_long_message_is_cut);
	RUN(one_cause_one_group);
	RUN(an_id_is_for_ever);
	arena_release(&arena);
	return tap_done();
}
