/* src.h - "topic/partition/offset": where a record came from, member src of kc-record(5). */
#ifndef MODEL_SRC_H
#define MODEL_SRC_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct src {
	struct slice topic; /* not empty, no slash in it */
	int32_t partition;
	int64_t offset;
};

/*
 * ERR_FORMAT unless it is exactly TOPIC/PARTITION/OFFSET, both numbers as
 * src_put() writes them: equal places are equal texts. Borrows text.
 */
int src_parse(struct slice text, struct src *out, struct err *e);
void src_put(struct buf *out, const struct src *s);

#endif
