#include "model/replay_range.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

static struct slice
upto(struct slice *rest, char c, bool *found)
{
	const char *p = rest->data, *at = memchr(p, c, rest->len);
	size_t n = at ? (size_t)(at - p) : rest->len;

	*found = at;
	*rest = slice_make(p + n + !!at, rest->len - n - !!at);
	return slice_make(p, n);
}

static int
parse_one(struct slice text, struct replay_range *r, struct err *e)
{
	bool colon, dash;
	struct slice rest = text, partition = upto(&rest, ':', &colon), from;
	int64_t n, last;

	*r = (struct replay_range){ -1, -1, -1 };
	if (num_int(partition, 0, INT32_MAX, &n, e))
		return -1;
	r->partition = (int32_t)n;
	if (!colon)
		return 0;
	from = upto(&rest, '-', &dash);
	if (num_int(from, 0, INT64_MAX - 1, &r->from, e))
		return -1;
	if (!dash) {
		r->to = r->from + 1;
	} else if (rest.len) {
		if (num_int(rest, 0, INT64_MAX - 1, &last, e))
			return -1;
		if (last < r->from)
			return err_set(e, ERR_USAGE, "it ends before it begins");
		r->to = last + 1;
	}
	return 0;
}

static int
by_partition(const void *a, const void *b)
{
	const struct replay_range *p = a, *q = b;

	return (p->partition > q->partition) - (p->partition < q->partition);
}

int
replay_ranges_parse(struct slice text, struct replay_ranges *out, struct err *e)
{
	struct slice rest = text;
	bool more = true;
	struct err why;

	*out = (struct replay_ranges){ 0 };
	while (more) {
		struct slice item = upto(&rest, ',', &more);

		out->items = xreallocarray(out->items, (size_t)out->n + 1,
			sizeof(*out->items));
		if (parse_one(item, &out->items[out->n++], &why)) {
			err_set(e, ERR_USAGE, "'%.*s' names no offsets: %s "
				"(0:100-200 or 0:100- or 0:100)",
				SLICE_ARG(item), why.msg);
			goto fail;
		}
	}
	qsort(out->items, (size_t)out->n, sizeof(*out->items), by_partition);
	for (int i = 1; i < out->n; i++)
		if (out->items[i].partition == out->items[i - 1].partition) {
			err_set(e, ERR_USAGE, "partition %d is named twice",
				(int)out->items[i].partition);
			goto fail;
		}
	return 0;
fail:
	replay_ranges_release(out);
	return -1;
}

void
replay_ranges_release(struct replay_ranges *r)
{
	free(r->items);
	*r = (struct replay_ranges){ 0 };
}

const struct replay_range *
replay_ranges_find(const struct replay_ranges *r, int32_t partition)
{
	for (int i = 0; i < r->n; i++)
		if (r->items[i].partition == partition)
			return &r->items[i];
	return NULL;
}
