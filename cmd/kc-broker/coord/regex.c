#include "coord/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/xalloc.h"

enum {
	PATTERN_MAX = 4096,  /* bytes */
	REPEAT_MAX = 1000,   /* RE2's own */
	NESTING_MAX = 250,
	STEPS_MAX = 20000,   /* of one match; names have 249 characters at most */
	MEMORY_MAX = 1024,   /* KiB of one match */
};

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

/* ---- what is RE2's ------------------------------------------------------- */

/* Behind a backslash: classes, anchors, controls, and numbers of characters. */
static bool
is_escape(unsigned char c)
{
	bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z');

	return !is_word ? c < 0x80 : c && strchr("0123456789AbBaCdDfnpPQrsStvwWxEz", c);
}

/* "(?" was read: non-capturing, named or flags, as RE2 has them. */
static bool
is_group(const char *p, const char *end)
{
	if (end - p >= 2 && p[0] == 'P' && p[1] == '<')
		return true;
	if (end - p >= 2 && p[0] == '<')
		return p[1] != '=' && p[1] != '!';
	while (p < end && strchr("imsU-", *p) && *p)
		p++;
	return p < end && (*p == ':' || *p == ')');
}

static bool
repeats_too_often(const char *p, const char *end)
{
	for (long n = 0; p < end; p++) {
		if (*p >= '0' && *p <= '9')
			n = n > REPEAT_MAX ? n : n * 10 + (*p - '0');
		else if (*p == ',')
			n = 0;
		else
			return false;
		if (n > REPEAT_MAX)
			return true;
	}
	return false;
}

/* Of "[...]", from behind the bracket: where it ends. */
static const char *
skip_class(const char *p, const char *end)
{
	if (p < end && *p == '^')
		p++;
	if (p < end && *p == ']')
		p++;
	while (p < end && *p != ']') {
		if (*p == '\\' && p + 1 < end) {
			p += 2;
		} else if (*p == '[' && p + 1 < end && p[1] == ':') {
			const char *close = memmem(p, (size_t)(end - p), ":]", 2);

			p = close ? close + 2 : p + 1;
		} else {
			p++;
		}
	}
	return p < end ? p + 1 : p;
}

/* What PCRE2 takes and RE2 does not; NULL = nothing of that kind. */
static const char *
foreign(struct slice pattern)
{
	const char *p = pattern.data, *end = p + pattern.len;
	bool after_repeat = false;

	for (; p < end; p++) {
		bool is_repeat = *p == '*' || *p == '+' || *p == '?' || *p == '}';

		if (*p == '+' && after_repeat)
			return "possessive quantifiers are not supported";
		after_repeat = is_repeat && !after_repeat;
		if (*p == '\\') {
			if (++p == end)
				return "trailing backslash";
			if (!is_escape((unsigned char)*p) || *p == 'C')
				return "invalid escape sequence";
			if (*p >= '1' && *p <= '9')
				return "references to groups are not supported";
			if (*p == 'Q') {
				const char *close = memmem(p, (size_t)(end - p), "\\E", 2);

				if (!close)
					return NULL;
				p = close + 1;
			} else if (strchr("pPx", *p) && p + 1 < end && p[1] == '{') {
				const char *close = memchr(p, '}', (size_t)(end - p));

				p = close ? close : p;
			}
			after_repeat = false;
		} else if (*p == '[') {
			p = skip_class(p + 1, end) - 1;
		} else if (*p == '{' && repeats_too_often(p + 1, end)) {
			return "invalid repeat count";
		} else if (*p == '(' && p + 1 < end && p[1] == '*') {
			return "missing argument to repetition operator: `*`";
		} else if (*p == '(' && p + 1 < end && p[1] == '?') {
			if (!is_group(p + 2, end))
				return "invalid or unsupported Perl syntax";
			p++;
			after_repeat = false;
		}
	}
	return NULL;
}

/* ---- */

static pcre2_code *
compile(struct slice pattern, struct arena *a, const char **why)
{
	pcre2_compile_context *c = xalloc_check(pcre2_compile_context_create(NULL));
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	pcre2_set_parens_nest_limit(c, NESTING_MAX);
	pcre2_set_newline(c, PCRE2_NEWLINE_LF);
	code = pcre2_compile(pattern.data, pattern.len, PCRE2_UTF | PCRE2_ANCHORED |
		PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
		PCRE2_NO_AUTO_CAPTURE, &error, &at, c);
	pcre2_compile_context_free(c);
	if (!code) {
		unsigned char text[128];

		pcre2_get_error_message(error, text, sizeof(text));
		*why = arena_printf(a, "%s at %zu", (const char *)text, (size_t)at);
	}
	return code;
}

struct regex *
regex_new(struct slice pattern, struct arena *a, const char **why)
{
	struct regex *r;
	pcre2_code *code;

	*why = pattern.len > PATTERN_MAX ? "the pattern is too long" : foreign(pattern);
	if (*why || !(code = compile(pattern, a, why)))
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->code = code;
	r->data = xalloc_check(pcre2_match_data_create(1, NULL));
	r->context = xalloc_check(pcre2_match_context_create(NULL));
	pcre2_set_match_limit(r->context, STEPS_MAX);
	pcre2_set_depth_limit(r->context, STEPS_MAX);
	pcre2_set_heap_limit(r->context, MEMORY_MAX);
	return r;
}

void
regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

int
regex_match(struct regex *r, struct slice text)
{
	int got = pcre2_match(r->code, text.data, text.len, 0, 0, r->data, r->context);

	if (got >= 0)
		return 1;
	return got == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
