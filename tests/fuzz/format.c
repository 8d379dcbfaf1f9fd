/* Any template: refused, or printed without reading past anything. */
#include "model/format.h"

#include <stdlib.h>

#include "base/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct record_header h = { { "a", 1 }, { NULL, 0 } };
	const struct record r = {
		.topic = { "t", 1 }, .value = { "v", 1 },
		.headers = &h, .headers_n = 1,
	};
	char *text = xmemdup0(data, len);
	struct buf out = BUF_INIT;
	struct format *f;
	struct err e = ERR_INIT;

	if (!format_parse(&f, text, "NULL", &e)) {
		format_write(f, &r, &out);
		format_free(f);
	}
	buf_release(&out);
	free(text);
	return 0;
}
