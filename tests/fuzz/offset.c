/* Any text for -o and -p: refused, or a range that makes sense. */
#include "model/offset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = slice_make(data ? (const void *)data : "", len);
	struct offset_range r = { 0 };
	int32_t *list;
	int n;
	struct err e = ERR_INIT;

	if (!offset_parse(text, 1768435200000, &r, &e) &&
	    r.from.kind == OFFSET_UNSET && r.to.kind == OFFSET_UNSET)
		abort();
	if (!offset_parse_partitions(text, &list, &n, &e)) {
		for (int i = 1; i < n; i++)
			if (list[i] <= list[i - 1])
				abort();
		free(list);
	}
	return 0;
}
