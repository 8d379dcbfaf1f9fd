#include "model/src.h"

#include <stdbool.h>

/* Decimal, no sign, no leading zero. */
static bool
number(const char *p, const char *end, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (p == end || (*p == '0' && end - p > 1))
		return false;
	for (; p < end; p++) {
		int digit = *p - '0';

		if (digit < 0 || digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

static bool
parse(struct slice text, struct src *out)
{
	const char *p = text.data, *end, *one, *two;
	int64_t partition;

	if (!p)
		return false;
	end = p + text.len;
	one = memchr(p, '/', text.len);
	if (!one || one == p)
		return false;
	two = memchr(one + 1, '/', (size_t)(end - one) - 1);
	if (!two || !number(one + 1, two, INT32_MAX, &partition) ||
	    !number(two + 1, end, INT64_MAX, &out->offset))
		return false;
	out->topic = slice_make(p, (size_t)(one - p));
	out->partition = (int32_t)partition;
	return true;
}

int
src_parse(struct slice text, struct src *out, struct err *e)
{
	if (parse(text, out))
		return 0;
	return err_set(e, ERR_FORMAT, "src '%.*s' is not TOPIC/PARTITION/OFFSET",
		SLICE_ARG(text));
}

void
src_put(struct buf *out, const struct src *s)
{
	buf_addslice(out, s->topic);
	buf_addc(out, '/');
	buf_addint(out, s->partition);
	buf_addc(out, '/');
	buf_addint(out, s->offset);
}
