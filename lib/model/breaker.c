#include "model/breaker.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/xalloc.h"

enum { SIZE_MAX_N = 1000000 };

int
breaker_parse(struct breaker *b, struct slice text, struct err *e)
{
	const char *p = text.data, *mark = memchr(p, '%', text.len);
	struct err ignored;
	int64_t percent, size;

	*b = (struct breaker){ 0 };
	if (slice_eq_str(text, "none"))
		return 0;
	if (!mark || mark[1] != '/' ||
	    num_int(slice_make(p, (size_t)(mark - p)), 1, 100, &percent, &ignored) ||
	    num_int(slice_make(mark + 2, text.len - (size_t)(mark - p) - 2), 1,
	    SIZE_MAX_N, &size, &ignored))
		return err_set(e, ERR_USAGE, "'%.*s' is not PERCENT%%/RECORDS, as "
			"50%%/200 for more than half of the last 200 (or none)",
			SLICE_ARG(text));
	b->percent = (int)percent;
	b->size = (int)size;
	b->ring = xcalloc((size_t)size, 1);
	return 0;
}

void
breaker_add(struct breaker *b, bool failed)
{
	if (!b->percent)
		return;
	b->failed += failed - b->ring[b->at];
	b->ring[b->at] = failed;
	b->at = (b->at + 1) % b->size;
	b->seen += b->seen < b->size;
}

bool
breaker_tripped(const struct breaker *b)
{
	return b->percent && b->seen == b->size &&
		(int64_t)b->failed * 100 > (int64_t)b->percent * b->size;
}

void
breaker_release(struct breaker *b)
{
	free(b->ring);
	b->ring = NULL;
}
