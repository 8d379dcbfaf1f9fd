#include "model/stack.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Code that is not the application's: frames of it are skipped. */
static const char *const java_libraries[] = {
	"java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.",
	"scala.", "groovy.", "org.codehaus.groovy.", "clojure.", "akka.", "org.apache.pekko.",
	"org.apache.kafka.", "org.apache.camel.", "org.apache.avro.", "org.apache.flink.",
	"org.apache.commons.", "org.apache.http.", "org.springframework.", "org.aspectj.",
	"io.smallrye.", "io.quarkus.", "io.vertx.", "io.netty.", "io.micrometer.",
	"io.opentelemetry.", "io.confluent.", "io.reactivex.", "reactor.", "org.jboss.",
	"org.eclipse.", "org.hibernate.", "org.postgresql.", "com.mysql.", "com.zaxxer.",
	"com.fasterxml.", "com.google.", "com.esotericsoftware.", "org.slf4j.", "org.junit.",
	"okhttp3.", "feign.", "net.bytebuddy.", NULL
};

static const char *const go_libraries[] = {
	"golang.org/", "google.golang.org/", "gopkg.in/", "github.com/pkg/errors.",
	"github.com/IBM/sarama", "github.com/Shopify/sarama", "github.com/segmentio/kafka-go",
	"github.com/twmb/franz-go", "github.com/confluentinc/", "github.com/ThreeDotsLabs/",
	NULL
};

static const char *const python_libraries[] = {
	"site-packages/", "dist-packages/", "/lib/python", "<frozen ", NULL
};

static const char *const node_libraries[] = {
	"node_modules/", "node:", "internal/", "<anonymous>", NULL
};

/* ---- lines and words ----------------------------------------------------------- */

/* The next line of *text without its end; false when there is none. */
static bool
next_line(struct slice *text, struct slice *line)
{
	const char *p = text->data, *lf;
	size_t n;

	if (!text->len)
		return false;
	lf = memchr(p, '\n', text->len);
	n = lf ? (size_t)(lf - p) : text->len;
	*text = slice_make(p + n + (lf != NULL), text->len - n - (lf != NULL));
	if (n && p[n - 1] == '\r')
		n--;
	*line = slice_make(p, n);
	return true;
}

static bool
starts(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && !memcmp(s.data, prefix, n);
}

static bool
contains(struct slice s, const char *part)
{
	return memmem(s.data, s.len, part, strlen(part)) != NULL;
}

static struct slice
skip(struct slice s, size_t n)
{
	return slice_make((const char *)s.data + n, s.len - n);
}

static struct slice
skip_blanks(struct slice s)
{
	while (s.len && (*(const char *)s.data == ' ' || *(const char *)s.data == '\t'))
		s = skip(s, 1);
	return s;
}

/* Up to the first occurrence of part; all of it when there is none. */
static struct slice
before(struct slice s, const char *part)
{
	const char *at = memmem(s.data, s.len, part, strlen(part));

	return at ? slice_make(s.data, (size_t)(at - (const char *)s.data)) : s;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
		c == '_' || c == '$' || c == '.' || (uint8_t)c >= 0x80;
}

/* "pkg.Class" and behind ": " its message; false when it does not begin with a name. */
static bool
read_exception(struct slice line, struct stack *out)
{
	const char *p = line.data;
	size_t n = 0;

	while (n < line.len && is_name_char(p[n]))
		n++;
	if (!n || is_digit(p[0]) || (n < line.len && p[n] != ':'))
		return false;
	out->class = slice_make(p, n);
	out->message = n + 2 <= line.len ? skip(line, n + 2) : SLICE_NULL;
	return true;
}

static bool
any(struct slice s, const char *const *list, bool (*test)(struct slice, const char *))
{
	for (; *list; list++)
		if (test(s, *list))
			return true;
	return false;
}

/* The last two parts of a path: what a deployment's folder does not change. */
static struct slice
short_path(struct slice path)
{
	const char *p = path.data;
	size_t at = path.len;

	for (int slashes = 0; at && (p[at - 1] != '/' || ++slashes < 2); )
		at--;
	return skip(path, at);
}

/* ---- Java ---------------------------------------------------------------------- */

/*
 * "com.shop.Billing.charge" of "app//com.shop.Billing$$Proxy9.lambda$charge$0(B.java:7)":
 * without class loader and module, generated numbers and place.
 */
static struct slice
java_frame(struct slice line, struct arena *a)
{
	struct slice s = before(line, "(");
	struct buf b = BUF_INIT;
	const char *p;
	struct slice result;

	for (const char *slash; (slash = memchr(s.data, '/', s.len)); )
		s = skip(s, (size_t)(slash + 1 - (const char *)s.data));
	p = s.data;
	for (size_t i = 0; i < s.len; i++) {
		if (p[i] == '$' && i + 1 < s.len && p[i + 1] == '$') {
			/* A generated class: on to its method. */
			while (i < s.len && p[i] != '.')
				i++;
			i--;
		} else if (p[i] == '$' && i + 1 < s.len && is_digit(p[i + 1])) {
			while (i + 1 < s.len && is_digit(p[i + 1]))
				i++;
		} else {
			buf_addc(&b, p[i]);
		}
	}
	result = arena_copy(a, buf_slice(&b));
	buf_release(&b);
	return result;
}

/* Frames of one exception: the application's first, else the first of all. */
struct frames {
	struct slice own, first;
};

static void
add_java_frame(struct frames *f, struct slice line, struct arena *a)
{
	struct slice frame;

	/* Lines of a message may begin so too: "at [Source: (String)...]" */
	if (f->own.data || !line.len || !is_name_char(*(const char *)line.data) ||
	    !memchr(line.data, '(', line.len))
		return;
	frame = java_frame(line, a);
	if (!f->first.data)
		f->first = frame;
	if (!any(frame, java_libraries, starts))
		f->own = frame;
}

static void
read_java(struct slice text, struct stack *out, struct arena *a)
{
	struct frames f = { SLICE_NULL, SLICE_NULL };
	struct slice line, outer_own = SLICE_NULL;
	bool suppressed = false, first = true;

	while (next_line(&text, &line)) {
		struct slice s = skip_blanks(line);
		bool cause = starts(s, "Caused by: ");

		if (starts(s, "Suppressed: ")) {
			suppressed = true;
		} else if (starts(s, "at ")) {
			if (!suppressed)
				add_java_frame(&f, skip(s, 3), a);
		} else if (cause ? s.len == line.len : first) {
			/* The cause of a suppressed one is indented. */
			if (read_exception(cause ? skip(s, 11) : s, out) && cause) {
				if (f.own.data)
					outer_own = f.own;
				f = (struct frames){ SLICE_NULL, SLICE_NULL };
				suppressed = false;
			}
		}
		first = false;
	}
	out->frame = f.own.data ? f.own : outer_own.data ? outer_own : f.first;
}

/* ---- Node ---------------------------------------------------------------------- */

/* "/app/src/x.js:12:34" without ":12:34" and a scheme in front. */
static struct slice
node_path(struct slice s)
{
	const char *p = s.data;
	size_t n = s.len;

	for (int i = 0; i < 2; i++) {
		size_t end = n;

		while (n && is_digit(p[n - 1]))
			n--;
		if (n == end || !n || p[n - 1] != ':')
			return SLICE_NULL;
		n--;
	}
	s = slice_make(p, n);
	return starts(s, "file://") ? skip(s, 7) : s;
}

/* "fn (place)" or "place"; false when that is no frame of Node's. */
static bool
add_node_frame(struct frames *f, struct slice s, struct arena *a)
{
	const char *p, *open;
	struct slice name = SLICE_NULL, place, path, frame;

	if (starts(s, "async "))
		s = skip(s, 6);
	p = s.data;
	/* util.inspect() opens its braces behind the last frame. */
	if (s.len > 2 && !memcmp(p + s.len - 2, " {", 2))
		s.len -= 2;
	place = s;
	open = memmem(p, s.len, " (", 2);
	if (open && p[s.len - 1] == ')') {
		name = slice_make(p, (size_t)(open - p));
		place = slice_make(open + 2, s.len - name.len - 3);
		name = before(name, " [as ");
	}
	path = node_path(place);
	if (!path.data)
		return starts(place, "node:") || slice_eq_str(place, "<anonymous>") ||
			slice_eq_str(place, "native");
	if (starts(name, "Object."))
		name = skip(name, 7);
	frame = slice_str(arena_printf(a, "%.*s%s%.*s", SLICE_ARG(short_path(path)),
		name.len ? " " : "", SLICE_ARG(name)));
	if (!f->first.data)
		f->first = frame;
	if (!f->own.data && !any(path, node_libraries, contains))
		f->own = frame;
	return true;
}

static bool
is_node(struct slice text)
{
	struct slice line;
	struct arena none = { 0 };
	bool found = false;

	while (!found && next_line(&text, &line)) {
		struct frames f = { SLICE_NULL, SLICE_NULL };
		struct slice s = skip_blanks(line);

		if (starts(s, "at "))
			found = add_node_frame(&f, skip(s, 3), &none);
	}
	arena_release(&none);
	return found;
}

static void
read_node(struct slice text, struct stack *out, struct arena *a)
{
	struct frames f = { SLICE_NULL, SLICE_NULL };
	struct slice line, outer_own = SLICE_NULL;
	bool first = true;

	while (next_line(&text, &line)) {
		struct slice s = skip_blanks(line);
		bool cause = starts(s, "[cause]: ");

		if (starts(s, "at ")) {
			add_node_frame(&f, skip(s, 3), a);
		} else if (cause || first) {
			if (cause) {
				s = skip(s, 9);
				if (f.own.data)
					outer_own = f.own;
				f = (struct frames){ SLICE_NULL, SLICE_NULL };
			}
			read_exception(starts(s, "Uncaught ") ? skip(s, 9) : s, out);
		}
		first = false;
	}
	out->frame = f.own.data ? f.own : outer_own.data ? outer_own : f.first;
}

/* ---- Python -------------------------------------------------------------------- */

/* `File "/app/shop/billing.py", line 12, in charge` */
static void
add_python_frame(struct frames *f, struct slice s, struct arena *a)
{
	struct slice path = before(skip(s, 6), "\""), name;
	const char *in = memmem(s.data, s.len, ", in ", 5);
	struct slice frame;

	name = in ? skip(s, (size_t)(in + 5 - (const char *)s.data)) : SLICE_NULL;
	frame = slice_str(arena_printf(a, "%.*s%s%.*s", SLICE_ARG(short_path(path)),
		name.len ? " " : "", SLICE_ARG(name)));
	/* The most recent call is the last. */
	f->first = frame;
	if (!any(path, python_libraries, contains))
		f->own = frame;
}

/* The first traceback is the root; what it caused follows. */
static void
read_python(struct slice text, struct stack *out, struct arena *a)
{
	struct frames f = { SLICE_NULL, SLICE_NULL };
	struct slice line;
	bool inside = false;

	while (next_line(&text, &line)) {
		struct slice s = skip_blanks(line);

		if (starts(s, "Traceback (most recent call last)"))
			inside = true;
		else if (inside && starts(s, "File \""))
			add_python_frame(&f, s, a);
		else if (inside && line.len && s.len == line.len &&
		    read_exception(line, out))
			break;
	}
	out->frame = f.own.data ? f.own : f.first;
}

/* ---- Go ------------------------------------------------------------------------ */

/* "\t/src/x.go:12 +0x1d": the place of the function in the line before. */
static bool
is_go_place(struct slice line)
{
	return starts(line, "\t") && contains(line, ".go:");
}

/* "main.(*Billing).Charge" of "main.(*Billing).Charge(0xc000, {...})". */
static struct slice
go_function(struct slice line)
{
	const char *p = line.data;
	size_t n = line.len;

	if (n && p[n - 1] == ')')
		for (int depth = 0; n; n--) {
			depth += p[n - 1] == ')' || p[n - 1] == '}';
			depth -= p[n - 1] == '(' || p[n - 1] == '{';
			if (!depth) {
				n--;
				break;
			}
		}
	return slice_make(p, n);
}

/* The standard library's packages have no dot in their first part. */
static bool
is_go_library(struct slice function)
{
	struct slice first = before(function, "/");

	if (any(function, go_libraries, starts))
		return true;
	if (first.len < function.len)
		return !memchr(first.data, '.', first.len);
	return !starts(function, "main.") && (starts(function, "runtime.") ||
		starts(function, "runtime/") || starts(function, "panic") ||
		starts(function, "reflect.") || starts(function, "testing.") ||
		starts(function, "sync.") || starts(function, "errors.") ||
		starts(function, "fmt.") || starts(function, "bufio.") ||
		starts(function, "strconv.") || starts(function, "strings."));
}

static void
read_go(struct slice text, struct stack *out)
{
	struct frames f = { SLICE_NULL, SLICE_NULL };
	struct slice line, last = SLICE_NULL;

	while (next_line(&text, &line)) {
		if (starts(line, "panic: ") && !out->message.data) {
			out->class = slice_str("panic");
			out->message = skip(line, 7);
		}
		/* What stands above it are the deferred functions that caught it. */
		if (is_go_place(line) && starts(last, "panic("))
			f = (struct frames){ SLICE_NULL, SLICE_NULL };
		else if (is_go_place(line) && last.len && !f.own.data) {
			struct slice function = go_function(
				starts(last, "created by ") ? skip(last, 11) : last);

			if (!f.first.data)
				f.first = function;
			if (!is_go_library(function))
				f.own = function;
		}
		last = line;
	}
	out->frame = f.own.data ? f.own : f.first;
}

void
stack_read(struct slice text, struct stack *out, struct arena *a)
{
	*out = (struct stack){ SLICE_NULL, SLICE_NULL, SLICE_NULL };
	if (slice_is_null(text))
		return;
	if (contains(text, "Traceback (most recent call last)"))
		read_python(text, out, a);
	else if (contains(text, ".go:"))
		read_go(text, out);
	else if (is_node(text))
		read_node(text, out, a);
	else
		read_java(text, out, a);
}
